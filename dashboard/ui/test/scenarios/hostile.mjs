// What attackers try: texts that want to be markup, pages of other origins, other names
// for the server. And a server that only shows.
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { api, base, data, ended, kill, quiet, restart, start, until } from "../world.mjs";

const port = new URL(base).port;
const home = "http://127.0.0.1:9"; // where nobody listens; a request there is a leak

// What would run or leak, if it became markup, a link or a style.
const vectors = [
  "<script>window.hacked=1</script>",
  `<img src=x onerror="window.hacked=1">`,
  `<img src="${home}/img.png">`,
  `<svg onload="window.hacked=1"><image href="${home}/svg.png"/></svg>`,
  `<iframe src="${home}/frame"></iframe>`,
  `<iframe srcdoc="<script>parent.hacked=1</script>"></iframe>`,
  `<object data="${home}/o"></object><embed src="${home}/e">`,
  `<link rel="stylesheet" href="${home}/s.css">`,
  `<style>@import url(${home}/i.css); body{background:url(${home}/b.png)}</style>`,
  `<meta http-equiv="refresh" content="0;url=${home}/away">`,
  `<base href="${home}/">`,
  `<form action="${home}/form"><button autofocus onfocus="window.hacked=1">x</button></form>`,
  `<video src="${home}/v" onloadstart="window.hacked=1" autoplay></video>`,
  `<a href="javascript:window.hacked=1">x</a>`,
  `![pixel](${home}/pixel.png)`,
  `[![pixel](${home}/p.png)](javascript:window.hacked=1)`,
  "[click](javascript:window.hacked=1)",
  "[click](JaVaScRiPt&colon;window.hacked=1)",
  "[click](data:text/html,<script>opener.hacked=1</script>)",
  "[click](vbscript:x)",
  `[ref]: ${home}/ref "x"\n![pixel][ref]`,
  `<${home}/auto>`,
  "\u202egnp.exe\u202c\u2066evil\u2069",
  "{{constructor.constructor('window.hacked=1')()}}",
  "${window.hacked=1}",
];
const wraps = [
  (v) => v,
  (v) => `# ${v}`,
  (v) => `- ${v}`,
  (v) => `> ${v}`,
  (v) => `| a |\n|---|\n| ${v} |`,
  (v) => `**${v}**`,
  (v) => `[${v}](${home}/text)`,
  (v) => "`" + v + "`",
  (v) => "```html\n" + v + "\n```",
  (v) => `<div>\n\n${v}\n\n</div>`,
  (v) => `<!-- -->${v}`,
  (v) => `</p></div></main>${v}`,
];
const payloads = wraps.flatMap((wrap) => vectors.map(wrap));

/** Expects that nothing of it ran, was loaded or became an element that acts. */
async function harmless(page, where) {
  assert.equal(await page.evaluate(() => window.hacked), undefined, `${where}: a script ran`);
  const acts = await page.locator("main :is(script, iframe, object, embed, link, style, meta, base, img, video, image)").count();
  assert.equal(acts, 0, `${where}: elements that act`);
  const links = await page.locator("main a").evaluateAll((all) => all.map((a) => a.protocol).filter((p) => !["http:", "https:", "mailto:"].includes(p)));
  assert.deepEqual(links, [], `${where}: links that run`);
}

export const scenarios = {
  async "300 hostile texts run nothing and reach nobody"(w) {
    assert.ok(payloads.length >= 300, `${payloads.length} payloads`);
    const text = payloads.join("\n\n");
    await api("POST", "agents/Echo/sessions/hostile/messages", { message: text });
    const nasty = '<img src=x onerror="window.hacked=1">';
    await api("POST", "runs", { name: "Fragile", id: `hostile ${nasty}`, input: text, tags: { [nasty]: nasty } });
    await api("POST", "runs", { name: "Waits", id: "hostile-waits", input: payloads, tags: { team: "</span><script>window.hacked=1</script>" } });
    await ended(`hostile ${nasty}`);
    const page = await w.open("");
    const foreign = [];
    page.context().on("request", (r) => {
      if (!r.url().startsWith(base) && !r.url().startsWith("data:")) foreign.push(r.url());
    });
    page.on("dialog", (d) => foreign.push("dialog " + d.message()));
    const id = encodeURIComponent(`hostile ${nasty}`);
    for (const path of [
      "agents/Echo/s/hostile", "agents/Echo", "", "runs", "runs?filter=" + encodeURIComponent(nasty), `runs/${id}`, `runs/${id}?tab=history`, `runs/${id}?tab=state`,
      "runs/hostile-waits?tab=history", "inbox", "entities", `agents/${encodeURIComponent(nasty)}`, `entities/${encodeURIComponent(nasty)}/${encodeURIComponent(nasty)}`,
    ]) {
      w.allowed.push(/40[04]/); // of what does not exist
      await page.goto(base + path);
      await page.getByRole("heading").first().waitFor();
      if (path.startsWith("agents/Echo/s")) await page.getByText("window.hacked").first().waitFor();
      await quiet(page);
      await harmless(page, path);
    }
    assert.deepEqual(foreign, [], "requests to elsewhere");
    return { payloads: payloads.length };
  },

  async "pages of other origins change nothing and read nothing"(w) {
    w.allowed.push(/.*/); // the browser says what it has blocked
    const evil = createServer((_, response) => {
      response.setHeader("Content-Type", "text/html");
      response.end(`<form id=f method=post enctype=text/plain action="${base}api/v1/runs" target=t><input name='{"name":"Steps","id":"from-form","input":1,"x":"' value='"}'></form><iframe name=t></iframe><iframe name=d src="${base}"></iframe>`);
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => evil.once("listening", resolve));
    const page = await w.open("", { root: `http://127.0.0.1:${evil.address().port}/` });
    await page.evaluate(() => document.getElementById("f").submit());
    const tried = await page.evaluate(async (base) => {
      const all = [];
      for (const init of [
        { method: "POST", mode: "no-cors", body: '{"name":"Steps","id":"from-fetch","input":1}' },
        { method: "POST", mode: "cors", headers: { "Content-Type": "application/json", "X-Perdure": "1" }, body: '{"name":"Steps","id":"from-cors","input":1}' },
        { mode: "cors" },
        { mode: "cors", credentials: "include" },
      ]) {
        all.push(await fetch(base + "api/v1/runs", init).then((r) => r.type, () => "refused"));
      }
      return all;
    }, base);
    assert.deepEqual(tried, ["opaque", "refused", "refused", "refused"]);
    const framed = page.frame({ name: "d" });
    assert.equal(await framed.locator("#app").count(), 0, "the dashboard shows in a frame of another origin");
    for (const id of ["from-form", "from-fetch", "from-cors"]) {
      await assert.rejects(api("GET", `runs/${id}`), /404/, `${id} was started`);
    }
    evil.close();
  },

  async "another name of the server is no way in"(w) {
    w.allowed.push(/421|Content Security Policy|Fetch API/);
    const page = await w.open("", { root: `http://evil.test:${port}/` }); // as after DNS rebinding
    assert.match(await page.locator("body").innerText(), /does not answer to the host name/);
    for (const method of ["GET", "POST"]) {
      const got = await page.evaluate((method) => fetch("api/v1/runs", { method }).then((r) => r.status, () => "blocked by its policy"), method);
      assert.equal(got, "blocked by its policy", method);
    }
  },

  async "a server that only shows offers and takes no changes"(w) {
    await start("Waits", "x", "only-shown");
    await until(async () => (await api("GET", "runs/only-shown")).phase === "waiting_event", "it waits");
    await kill();
    writeFileSync(data + ".readonly", "");
    try {
      await restart();
      w.allowed.push(/40[34]/);
      const page = await w.open("runs/only-shown");
      await page.getByText("Waiting for event").first().waitFor();
      for (const [path, name] of [
        ["runs", /^Start/], ["inbox", /^Approve|^Send true/], ["entities/counter/1", /^Send/],
      ]) {
        await page.goto(base + path);
        await page.getByRole("heading").first().waitFor();
        await quiet(page);
        for (const b of await page.locator("main").getByRole("button", { name }).all()) assert.ok(await b.isDisabled(), `${path}: ${name} can be pressed`);
      }
      await page.goto(base + "inbox?id=run:only-shown");
      await page.getByRole("status").filter({ hasText: "This server takes no changes." }).waitFor();
      await page.keyboard.press("a");
      assert.equal(await page.getByRole("alertdialog").count(), 0, "an answer is asked for");
      await page.goto(base + "runs/only-shown");
      await page.getByRole("button", { name: "All actions" }).click();
      const items = page.getByRole("menuitem");
      assert.ok((await items.count()) > 5);
      assert.equal(await page.locator('[role=menuitem]:not([aria-disabled="true"])').count(), 0, "an action can be chosen");
      await page.getByText("This server takes no changes.").first().waitFor();
      await w.accessible(page);
      await page.goto(base + "agents/Joker/s/only-shown");
      await page.getByLabel("Message").waitFor();
      await quiet(page);
      assert.ok(await page.getByRole("button", { name: "Send" }).isDisabled(), "a message can be sent");
      for (const [method, path] of [["POST", "runs"], ["POST", "runs/only-shown/terminate"], ["POST", "entities/counter/1/signal"], ["POST", "batches"], ["POST", "agents/Joker/sessions/x/messages"]]) {
        await assert.rejects(api(method, path, { name: "Steps" }), /403.*read-only/s, `${method} ${path}`);
      }
    } finally {
      await kill();
      rmSync(data + ".readonly");
      await restart();
    }
  },
};
