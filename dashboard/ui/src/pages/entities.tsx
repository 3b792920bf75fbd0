import type { PageProps } from "../app";

export function Entities({ params }: PageProps) {
  return (
    <section class="page">
      <h1>{Object.values(params).join(" / ") || "Entities"}</h1>
    </section>
  );
}
