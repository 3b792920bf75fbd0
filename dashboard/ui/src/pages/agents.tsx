import type { PageProps } from "../app";

export function Agents({ params }: PageProps) {
  return (
    <section class="page">
      <h1>{Object.values(params).join(" / ") || "Agents"}</h1>
    </section>
  );
}
