// The first page: drop a study, watch it being segmented, open what is done.

import { api, OVER, type About, type Job, type Said } from "./api";
import { attempt, h, tell } from "./dom";
import { Worklist } from "./worklist";

type Found = { path: string; file: File };
const AT_ONCE = 4;

/** Every file of a drop, with its folders. */
async function dropped(items: DataTransferItemList): Promise<Found[]> {
  const entries = [...items].map((item) => item.webkitGetAsEntry()).filter((e) => e !== null);
  const found: Found[] = [];
  const walk = async (entry: FileSystemEntry, folder: string): Promise<void> => {
    if (entry.isFile) {
      const file = await new Promise<File>((good, bad) =>
        (entry as FileSystemFileEntry).file(good, bad),
      );
      found.push({ path: folder + entry.name, file });
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    for (;;) {
      // a reader gives a hundred entries at a time
      const some = await new Promise<FileSystemEntry[]>((good, bad) => reader.readEntries(good, bad));
      if (!some.length) return;
      for (const one of some) await walk(one, `${folder}${entry.name}/`);
    }
  };
  for (const entry of entries) await walk(entry, "");
  return found;
}

async function upload(found: Found[], said: Said, told: (text: string) => void) {
  const visible = found.filter((one) => !one.path.split("/").some((part) => part.startsWith(".")));
  if (!visible.length) throw new Error("there is no file in it");
  const first = visible[0].path.split("/");
  const name = first.length > 1 ? first[0] : visible.length > 1 ? `${visible.length} files` : first[0];
  const job = await api.add(name, said);
  const stop = new AbortController();
  try {
    const waiting = [...visible];
    let done = 0;
    const work = async (): Promise<void> => {
      for (let one = waiting.shift(); one; one = waiting.shift()) {
        await api.put(job.id, one.path, one.file, stop.signal);
        done += 1;
        told(`${done} of ${visible.length} files sent`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    await api.start(job.id);
  } catch (error) {
    stop.abort(); // what is still under way would fill the deleted job
    await api.remove(job.id).catch(() => undefined);
    throw error;
  }
}

function row(job: Job, refresh: () => void): HTMLElement {
  const act = (text: string, work: () => Promise<unknown>): HTMLElement =>
    h("button", { click: () => void attempt(work).then(refresh) }, text);
  const parts: (Node | string)[] = [
    h("strong", {}, job.name),
    h("span", { class: `state ${job.state}` }, job.state),
  ];
  if (!OVER.includes(job.state)) {
    parts.push(h("progress", { "aria-label": `progress of ${job.name}` }), h("span", { class: "soft doing" }),
      act("Cancel", () => api.cancel(job.id)));
  }
  if (job.results.length) {
    parts.push(h("span", { class: "soft" }, `${job.results.length} result${job.results.length > 1 ? "s" : ""}`));
  }
  if (job.message) parts.push(h("p", { class: "soft message" }, job.message));
  if (job.results.length) {
    parts.push(h("a", { href: `api/jobs/${job.id}/results.zip`, download: true }, "All files (zip)"));
  }
  if (["failed", "cancelled"].includes(job.state) && job.files) {
    parts.push(act("Try again", () => api.start(job.id)));
  }
  if (job.opened) parts.push(act("Close", () => api.remove(job.id)));
  else if (OVER.includes(job.state) || job.state === "uploading") {
    parts.push(act("Delete", async () => {
      const what = `Delete ${job.name} with its results and corrections?`;
      if (window.confirm(what)) await api.remove(job.id);
    }));
  }
  const made = h("li", { "data-job": job.id }, ...parts);
  advance(made, job);
  return made;
}

/** What a row shows besides how far the job is: as long as this is the same, its buttons stay. */
const face = (job: Job): string =>
  JSON.stringify([job.name, job.state, job.results, job.message, job.files > 0]);

function advance(row: HTMLElement, job: Job): void {
  const bar = row.querySelector("progress");
  const doing = row.querySelector(".doing");
  if (!bar || !doing) return;
  if (job.total) {
    bar.max = job.total;
    bar.value = job.done;
  } else if (job.state === "queued") bar.value = 0;
  else bar.removeAttribute("value");
  doing.textContent = job.total ? `${job.doing}: ${job.done} of ${job.total}` : job.doing;
}

export async function showJobs(main: HTMLElement, about: About): Promise<() => void> {
  const list = h("ul", { class: "jobs" });
  const modality = h("select", { id: "modality" },
    ...[["", "what the file says"], ["MR", "MR"], ["CT", "CT"], ["XR", "X-ray"]].map(([value, text]) =>
      h("option", { value }, text)));
  const spacing = h("input", { type: "number", id: "spacing", min: 0.01, max: 20, step: "any" });
  const level = h("select", { id: "anchor-level" }, h("option", { value: "" }, "not known"),
    ...about.body_levels.map((name) => h("option", { value: name }, name)));
  const place = h("input", { type: "number", id: "anchor-place", min: 1, max: 40, value: "1" });
  const said = (): Said => ({
    modality: (modality.value || null) as Said["modality"],
    spacing: spacing.value ? [Number(spacing.value), Number(spacing.value)] : null,
    anchor: level.value ? { level: level.value, place: Number(place.value) } : null,
  });
  const progress = h("p", { class: "soft", id: "sent" });
  const take = (found: Promise<Found[]>): void =>
    void attempt(async () => {
      const told = said();
      modality.value = spacing.value = level.value = ""; // the next study may be of another kind
      place.value = "1";
      await upload(await found, told, (text) => (progress.textContent = text));
      await refresh();
    }).then(() => (progress.textContent = ""));
  const picked = (event: Event): void => {
    const input = event.target as HTMLInputElement;
    const files = [...(input.files ?? [])];
    if (files.length) take(Promise.resolve(files.map((file) => ({ path: file.webkitRelativePath || file.name, file }))));
    input.value = "";
  };
  const files = h("input", { type: "file", multiple: true, id: "files", hidden: true, change: picked });
  const folder = h("input", { type: "file", webkitdirectory: true, id: "folder", hidden: true, change: picked });
  const zone = h("section", { class: "drop", id: "drop" },
    h("h1", {}, "Drop a study here"),
    h("p", {}, "A DICOM folder, files or a zip archive, NIfTI, or a picture."),
    h("p", {},
      h("button", { class: "main", click: () => files.click() }, "Choose files"), " ",
      h("button", { click: () => folder.click() }, "Choose a folder")),
    h("p", {}, h("label", { for: "modality" }, "Modality "), modality),
    h("details", {}, h("summary", {}, "What the files do not say"),
      h("p", {}, h("label", { for: "spacing" }, "Size of a pixel, mm "), spacing),
      h("p", {}, h("label", { for: "anchor-level" }, "Level "), level, " ",
        h("label", { for: "anchor-place" }, "of the body that is, counted from below, number "), place)),
    files, folder, progress);
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    if (event.dataTransfer) take(dropped(event.dataTransfer.items));
  });
  const exhaustive = h("input", { type: "checkbox", id: "exhaustive" });
  const corrections = h("section", {},
    h("h2", {}, "Corrections as a data set"),
    h("p", { class: "soft" }, "The latest corrected version of every result here, ready for spinetk train --init."),
    h("label", {}, exhaustive, " every visible body and disc is outlined"), " ",
    h("button", { click: () => {
      void attempt(async () => {
        const answer = await fetch(`api/corrections.zip?exhaustive=${exhaustive.checked}`);
        if (!answer.ok) throw new Error((await answer.json()).detail);
        const link = h("a", { href: URL.createObjectURL(await answer.blob()), download: "corrections.zip" });
        link.click();
        URL.revokeObjectURL(link.href);
      });
    } }, "Download"));
  const work = new Worklist();
  main.replaceChildren(zone, work.node,
    h("section", {}, h("h2", {}, "Studies"), list,
      h("p", { class: "soft" }, `They stay on this computer. What nobody corrected is deleted ${about.keep_hours} hours after its last change.`)),
    corrections);

  const shown = new Map<string, Job>();
  const put = (job: Job): void => {
    const old = list.querySelector<HTMLElement>(`[data-job="${job.id}"]`);
    const before = shown.get(job.id);
    shown.set(job.id, job);
    if (old && before && face(before) === face(job)) return advance(old, job);
    const made = row(job, () => void refresh());
    if (old) old.replaceWith(made);
    else list.prepend(made);
    list.querySelector(".none")?.remove();
    if (before && before.results.length !== job.results.length) void attempt(() => work.refresh());
    if (before && before.state !== job.state && job.state === "done") tell(`${job.name} is done`);
  };
  const refresh = async (): Promise<void> => {
    const jobs = await api.jobs();
    list.replaceChildren(...(jobs.length ? [] : [h("li", { class: "soft none" }, "None yet.")]));
    for (const job of [...jobs].reverse()) put(job);
    await work.refresh();
  };
  await attempt(refresh);
  const source = api.followAll(put); // one connection, however many jobs there are
  return () => source.close();
}
