// What the server says (see /api/openapi.json) and how it is asked.

import type { components } from "./openapi";

type Schemas = components["schemas"];
export type Kind = Schemas["Mark"]["kind"];
export type Point = [number, number];
export type Polygon = Point[];
export type Job = Schemas["JobState"];
export type About = Schemas["About"];
/** An instance; one that is just being added has no mask yet. */
export type Mark = Omit<Schemas["ShownMark"], "kind" | "rle"> & { kind: Kind; rle: Schemas["Rle"] | null };
export type Said = Omit<Schemas["NewJob"], "name">;
export type WorkRow = Schemas["WorkRow"];
export type Look = Schemas["ShownLook"];
export type Shown = Omit<Schemas["Shown"], "instances"> & { instances: Mark[] };

export type Change = Pick<Schemas["Change"], "place" | "how"> & Partial<Schemas["Change"]>;

export const OVER = ["done", "failed", "cancelled"];

/** What the server does not do, and why. */
export class Refused extends Error {
  constructor(readonly status: number, why: string) {
    super(why);
  }
}

async function ask<T>(
  method: string, path: string, body?: BodyInit | object, signal?: AbortSignal,
): Promise<T> {
  const plain = body === undefined || body instanceof Blob;
  const answer = await fetch(`api/${path}`, {
    method,
    signal,
    body: plain ? (body as BodyInit | undefined) : JSON.stringify(body),
    headers: plain ? {} : { "Content-Type": "application/json" },
  }).catch((error: Error) => {
    throw signal?.aborted ? error : new Error("the server does not answer: is spinetk serve still running?");
  });
  if (!answer.ok) {
    const told = await answer.json().catch(() => ({}));
    const detail = typeof told.detail === "string" ? told.detail : "the server refuses it";
    throw new Refused(answer.status, detail);
  }
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

const quoted = (path: string): string => path.split("/").map(encodeURIComponent).join("/");
const resultPath = (job: string, key: string): string => `jobs/${job}/results/${quoted(key)}`;

// Instances as the server takes them: it works outlines and measures out itself.
const sent = (marks: Mark[]): object[] =>
  marks.map(({ id, kind, level, score, rle }) => ({ id, kind, level, score, rle }));

export const api = {
  about: () => ask<About>("GET", "about"),
  jobs: () => ask<Job[]>("GET", "jobs"),
  job: (id: string) => ask<Job>("GET", `jobs/${id}`),
  add: (name: string, said: Said) => ask<Job>("POST", "jobs", { name, ...said }),
  put: (id: string, path: string, file: File, signal: AbortSignal) =>
    ask<Job>("PUT", `jobs/${id}/files/${quoted(path)}`, file, signal),
  start: (id: string) => ask<Job>("POST", `jobs/${id}/start`),
  cancel: (id: string) => ask<Job>("POST", `jobs/${id}/cancel`),
  remove: (id: string) => ask<void>("DELETE", `jobs/${id}`),
  result: (job: string, key: string) => ask<Shown>("GET", resultPath(job, key)),
  edit: (job: string, key: string, marks: Mark[], change?: Change) =>
    ask<Mark[]>("POST", `${resultPath(job, key)}/edit`, { marks: sent(marks), change }),
  save: (job: string, key: string, marks: Mark[], who: string, note: string, known: string[] | null) =>
    ask<Schemas["Saved"]>("POST", `${resultPath(job, key)}/versions`, {
      marks: sent(marks), who, note, known,
    }),
  slice: (job: string, key: string, index: number) =>
    ask<Schemas["Saved"]>("POST", `${resultPath(job, key)}/slice`, { slice_index: index }),
  worklist: () => ask<WorkRow[]>("GET", "worklist"),
  look: (job: string, key: string, said: Schemas["NewLook"]) =>
    ask<Look>("PUT", `${resultPath(job, key)}/look`, said),
  send: (job: string, key: string) =>
    ask<Schemas["Sent"]>("POST", `${resultPath(job, key)}/send`),
  url: (job: string, key: string, rest: string) => `api/${resultPath(job, key)}/${rest}`,
  followAll(changed: (job: Job) => void): EventSource {
    const source = new EventSource("api/events");
    source.onmessage = (event) => changed(JSON.parse(event.data) as Job);
    return source;
  },
  follow(id: string, changed: (job: Job) => void): EventSource {
    const source = new EventSource(`api/jobs/${id}/events`);
    source.onmessage = (event) => {
      const job = JSON.parse(event.data) as Job;
      if (OVER.includes(job.state)) source.close(); // else the browser would ask again
      changed(job);
    };
    return source;
  },
};
