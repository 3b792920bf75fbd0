// What is done to runs from their list: to one by its menu, to many at once.
import { useEffect, useState } from "preact/hooks";
import type { Run } from "../../api";
import { path, useQuery } from "../../lib/api";
import { MenuList } from "../../parts/Menu";
import { useActions } from "../run/actions";
import { ForkDialog } from "../run/fork";
import { RewindDialog } from "../run/rewind";
import { BatchDialog, type BatchTarget } from "./batch";

/** What was asked of one run: its menu, or an action at once. */
export interface RowAsk {
  id: string;
  at: { x: number; y: number };
  action?: string;
}

interface Props {
  asked: RowAsk | BatchTarget;
  /** Gives the focus back to the list. */
  onBack(): void;
  onClose(): void;
  /** The run is gone; absent = it closes. */
  onPurged?(): void;
  /** A batch has ended. */
  onDone(): void;
}

/** Shows the menu or dialog that was asked for until it is closed. */
export function Acts({ asked, onBack, onClose, onPurged = onClose, onDone }: Props) {
  if ("action" in asked && !("id" in asked)) {
    return <BatchDialog target={asked} onClose={onClose} onDone={onDone} />;
  }
  return <RowMenu asked={asked as RowAsk} onBack={onBack} onClose={onClose} onPurged={onPurged} />;
}

type RowProps = { asked: RowAsk; onBack(): void; onClose(): void; onPurged(): void };

/** The menu of a run, by what the server says of it now. */
function RowMenu(props: RowProps) {
  const run = useQuery<Run>(path`runs/${props.asked.id}`);
  const leave = () => (props.onBack(), props.onClose());
  if (run.error) {
    return <MenuList label={`Actions of ${props.asked.id}`} at={props.asked.at} items={[{ label: "Nothing can be done", reason: run.error.message, run: leave }]} onClose={leave} />;
  }
  return run.data ? <Loaded run={run.data} {...props} /> : null;
}

function Loaded({ run, asked, onBack, onClose, onPurged }: RowProps & { run: Run }) {
  const [chosen, setChosen] = useState(false);
  const [rewinding, setRewinding] = useState(false);
  const [forking, setForking] = useState(false);
  const acts = useActions({ run, onApplied: onClose, onLeft: onClose, onPurged, onRewind: () => setRewinding(true), onFork: () => setForking(true) });
  const items = asked.action ? acts.items.filter((i) => i.action === asked.action) : acts.items;
  useEffect(() => {
    const [only] = items;
    if (asked.action && only && only.reason === undefined) {
      setChosen(true);
      only.run();
    }
  }, []);
  if (rewinding) {
    return <RewindDialog run={run} onClose={onClose} onDone={onClose} />;
  }
  if (forking) {
    return <ForkDialog run={run} execution={run.execution ?? ""} onClose={onClose} />;
  }
  if (chosen) {
    return <div class="acts">{acts.shown}</div>;
  }
  return (
    <MenuList
      label={`Actions of ${run.id}`}
      at={asked.at}
      items={items}
      onClose={(why) => {
        if (why !== "away") {
          onBack();
        }
        if (why === "chosen") {
          setChosen(true);
        } else {
          onClose();
        }
      }}
    />
  );
}
