import type { PageProps } from "../app";

export function Inbox({ params }: PageProps) {
  return (
    <section class="page">
      <h1>{Object.values(params).join(" / ") || "Inbox"}</h1>
    </section>
  );
}
