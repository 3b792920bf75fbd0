// Server-sent events, read from pieces of text.

export interface ServerEvent {
  id: string;
  event: string;
  data: string;
}

/**
 * eventReader returns a function that is given the pieces of a stream as they come and
 * returns the events that are whole by then. Comments are left out.
 */
export function eventReader(): (piece: string) => ServerEvent[] {
  let rest: string[] = []; // pieces of a line that is not whole
  let id = "";
  let event = "message";
  let data: string[] = [];
  return (piece) => {
    const found: ServerEvent[] = [];
    const lines = piece.split("\n");
    const open = lines.pop() ?? "";
    for (let line of lines) {
      if (rest.length > 0) {
        line = rest.join("") + line;
        rest = [];
      }
      line = line.endsWith("\r") ? line.slice(0, -1) : line;
      if (line === "") {
        if (data.length > 0) {
          found.push({ id, event, data: data.join("\n") });
        }
        event = "message";
        data = [];
        continue;
      }
      const colon = line.indexOf(":");
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
      if (field === "data") {
        data.push(value);
      } else if (field === "event") {
        event = value;
      } else if (field === "id") {
        id = value;
      }
    }
    if (open !== "") {
      rest.push(open);
    }
    return found;
  };
}
