// The page: #/ lists the studies, #/JOB/KEY shows a result.

import { api, type About } from "./api";
import { attempt } from "./dom";
import { showJobs } from "./jobs";
import { showResult } from "./review";
import "./style.css";

const main = document.getElementById("main")!;
let leave: () => void = () => {};
let about: About | undefined;

async function route(): Promise<void> {
  leave();
  leave = () => {};
  await attempt(async () => {
    about ??= await api.about();
    const [, job, key] = location.hash.split("/");
    leave = job && key
      ? await showResult(main, about, job, decodeURIComponent(key))
      : await showJobs(main, about);
  });
}

window.addEventListener("hashchange", () => void route());
void route();
