import type { PageProps } from "../app";

export function Chat({ params }: PageProps) {
  return (
    <section class="page">
      <h1>{Object.values(params).join(" / ") || "Chat"}</h1>
    </section>
  );
}
