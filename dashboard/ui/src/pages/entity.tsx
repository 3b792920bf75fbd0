import type { PageProps } from "../app";

export function Entity({ params }: PageProps) {
  return (
    <section class="page">
      <h1>{Object.values(params).join(" / ") || "Entity"}</h1>
    </section>
  );
}
