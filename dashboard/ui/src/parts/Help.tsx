import { Dialog } from "./Dialog";
import { chooseLetters, lettersOn } from "../lib/keys";

const keys: [string, string][] = [
  ["?", "This help"],
  ["/", "Filter"],
  ["g then o i r a e w c", "Overview, inbox, runs, agents, entities, workers, charts"],
  ["j k, arrows", "Next and previous row"],
  ["Enter", "Open"],
  ["Esc", "Back"],
  ["[ ]", "Previous and next run"],
  ["1 … 9", "Tabs"],
  ["h l, arrows", "Steps"],
  [", .", "Back and forth through the events of a run, in its state"],
  ["a d", "Approve or deny the chosen decision"],
  ["x, X", "Select a row, or all from the last one on"],
  ["m", "What may be done to the row"],
  ["f", "Fork the run, from the chosen step or event"],
  ["e s t", "Raise an event, suspend or resume, terminate: the row, or those that are selected"],
  ["n", "Start a run, begin a session"],
  ["Ctrl/⌘ Enter", "Send the form of a dialog"],
  ["Ctrl/⌘ K", "Go to anything, or do it"],
  ["L", "Pause what changes, or go on"],
];

/** The keys, and whether single letters are some. */
export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl class="keys">
        {keys.map(([k, does]) => (
          <div key={k}>
            <dt>
              <kbd>{k}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <label class="row">
        <input type="checkbox" checked={lettersOn.value} onChange={(e) => chooseLetters(e.currentTarget.checked)} /> Single letters are keys
      </label>
    </Dialog>
  );
}
