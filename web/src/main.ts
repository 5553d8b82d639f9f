// The page: #/ lists the studies, #/JOB/KEY shows a result.

import { api, type About } from "./api";
import { attempt, h } from "./dom";
import { showJobs } from "./jobs";
import { fetchResult, type ResultPage } from "./review";
import "./style.css";

const main = document.getElementById("main")!;
let result: ResultPage | undefined;
let leave: () => void = () => {};
let about: About | undefined;
let here = location.hash;

async function route(): Promise<void> {
  if (result?.unsaved && !window.confirm("Leave without saving the corrections?")) {
    history.replaceState(null, "", here);
    return;
  }
  here = location.hash;
  leave();
  leave = () => {};
  result = undefined;
  const done = await attempt(async () => {
    about ??= await api.about();
    const [, job, key] = location.hash.split("/");
    if (job && key) {
      const page = await fetchResult(main, about, job, decodeURIComponent(key));
      result = page;
      leave = () => page.close();
      await page.open();
    } else leave = await showJobs(main, about);
    return true;
  });
  if (!done) {
    main.replaceChildren(h("section", {}, h("h1", {}, "This cannot be shown."),
      h("p", {}, "It was deleted, or never there. ", h("a", { href: "#/" }, "All studies"))));
  }
}

window.addEventListener("hashchange", () => void route());
void route();
