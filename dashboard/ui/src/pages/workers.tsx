import type { PageProps } from "../app";

export function Workers({ params }: PageProps) {
  return (
    <section class="page">
      <h1>{Object.values(params).join(" / ") || "Workers"}</h1>
    </section>
  );
}
