import type { PageProps } from "../app";

export function Agent({ params }: PageProps) {
  return (
    <section class="page">
      <h1>{Object.values(params).join(" / ") || "Agent"}</h1>
    </section>
  );
}
