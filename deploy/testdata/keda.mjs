// Checks documents of KEDA, one line of JSON each on standard input, against its schemas.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const load = createRequire(import.meta.url);
for await (const line of createInterface({ input: process.stdin })) {
  const document = JSON.parse(line);
  try {
    const model = load(`@kubernetes-models/keda/keda.sh/v1alpha1/${document.kind}`)[document.kind];
    new model(document).validate();
  } catch (e) {
    console.error(`${document.kind} ${document.metadata.name}: ${e.message}`);
    process.exitCode = 1;
  }
}
