/** What may be done to runs, as the server names it, and as menus call it. */
export const runActions: [action: string, label: string][] = [
  ["event", "Raise event…"],
  ["suspend", "Suspend"],
  ["resume", "Resume"],
  ["rewind", "Rewind…"],
  ["fork", "Fork…"],
  ["restart", "Restart…"],
  ["cancel", "Cancel…"],
  ["terminate", "Terminate…"],
  ["purge", "Purge…"],
];
