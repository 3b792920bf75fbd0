import type { PageProps } from "../app";

export function Run({ params }: PageProps) {
  return (
    <section class="page">
      <h1>{Object.values(params).join(" / ") || "Run"}</h1>
    </section>
  );
}
