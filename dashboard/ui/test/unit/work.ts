import { Session } from "node:inspector";

/**
 * Loads a module anew, named as seen from this folder, and tells for each use of it how
 * many of its blocks (functions, bodies of loops, branches) ran: work is counted, for
 * time depends on what else the machine does.
 */
export async function work<M>(module: string, ...uses: ((m: M) => void)[]): Promise<number[]> {
  const session = new Session();
  session.connect();
  session.post("Profiler.enable");
  // Blocks are counted of what is compiled from now on, so the module must be a new one.
  session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  const url = new URL(module + ".js?counted", import.meta.url).href;
  const m = await import(url);
  const counts = uses.map((use) => {
    use(m);
    let sum = 0;
    session.post("Profiler.takePreciseCoverage", (err: Error | null, { result }: any) => {
      if (err) throw err;
      for (const script of result.filter((s: any) => s.url === url)) {
        for (const fn of script.functions) for (const block of fn.ranges) sum += block.count;
      }
    });
    return sum;
  });
  session.disconnect();
  return counts;
}
