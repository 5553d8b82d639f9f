// The page: #/ lists the studies, #/JOB/KEY shows a result.

import { api, Refused, type About } from "./api";
import { h, tell } from "./dom";
import { showJobs } from "./jobs";
import { fetchResult, type ResultPage } from "./review";
import "./style.css";

const main = document.getElementById("main")!;
let result: ResultPage | undefined;
let leave: () => void = () => {};
let about: About | undefined;
let here = location.hash;
let turn = 0;

async function route(): Promise<void> {
  if (result?.unsaved && !window.confirm("Leave without saving the corrections?")) {
    history.replaceState(null, "", here);
    return;
  }
  here = location.hash;
  const mine = ++turn; // who has gone on in the meantime is not called back
  close();
  try {
    about ??= await api.about();
    const [, job, key] = here.split("/");
    const page = job && key ? await fetchResult(main, about, job, decodeURIComponent(key)) : undefined;
    if (mine !== turn) return;
    if (page) {
      result = page;
      leave = () => page.close();
      await page.open();
    } else {
      const stop = await showJobs(main, about);
      if (mine === turn) leave = stop;
      else stop();
    }
  } catch (error) {
    if (mine === turn) fail(error);
  }
}

function close(): void {
  leave();
  leave = () => {};
  result = undefined;
}

function fail(error: unknown): void {
  close();
  const gone = error instanceof Refused && error.status === 404;
  const why = error instanceof Error ? error.message : String(error);
  main.replaceChildren(h("section", {}, h("h1", {}, "This cannot be shown."),
    h("p", {}, gone ? "It was deleted, or never there. " : `${why}. `, h("a", { href: "#/" }, "All studies"), " ",
      h("button", { click: () => void route() }, "Try again"))));
  tell(why, true);
}

window.addEventListener("hashchange", () => void route());
void route();
