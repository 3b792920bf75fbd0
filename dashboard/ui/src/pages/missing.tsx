import { Empty } from "../parts/Empty";

export function Missing() {
  return (
    <section class="page">
      <h1>Not found</h1>
      <Empty title="There is no such page">
        <p>
          <a href=".">Overview</a>
        </p>
      </Empty>
    </section>
  );
}
