import type { PageProps } from "../app";

export function Charts({ params }: PageProps) {
  return (
    <section class="page">
      <h1>{Object.values(params).join(" / ") || "Charts"}</h1>
    </section>
  );
}
