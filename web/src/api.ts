// What the server says (see /api/openapi.json) and how it is asked.

export type Kind = "vertebral_body" | "intervertebral_disc";
export type Point = [number, number];
export type Polygon = Point[];
export type Rle = { size: [number, number]; counts: string };

export interface Job {
  id: string;
  name: string;
  state: "uploading" | "queued" | "running" | "done" | "failed" | "cancelled";
  created: number;
  doing: string;
  done: number;
  total: number;
  message: string;
  results: { key: string; bodies: number; discs: number; warnings: string }[];
  files: number;
  size: number;
}

export interface Mark {
  id: string;
  kind: Kind;
  level: string | null;
  score: number | null;
  truncated: boolean;
  rle: Rle | null;
  outline: Polygon[];
  centre: Point;
  measures: Record<string, number | string | boolean | null>;
}

export interface Shown {
  key: string;
  series: string;
  upload: string;
  modality: string | null;
  selected_slice: number;
  n_slices: number;
  shape: [number, number];
  spacing: [number, number] | null;
  trace: { index: number; instance_number: number | null; bodies: number; discs: number; area_px: number }[];
  warnings: string[];
  correction: { of: string; who: string; when: string; changes: string[]; note: string } | null;
  instances: Mark[];
  versions: string[];
  files: string[];
}

export type Change =
  | { place: number; how: "outline"; before: Polygon[]; after: Polygon[] }
  | { place: number; how: "paint" | "erase"; stroke: Point[]; radius: number }
  | { place: number; how: "name_all" };

export interface About {
  version: string;
  keep_hours: number;
  most_bytes: number;
  send_to: string | null;
}

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
  add: (name: string, modality: string | null) => ask<Job>("POST", "jobs", { name, modality }),
  put: (id: string, path: string, file: File, signal: AbortSignal) =>
    ask<Job>("PUT", `jobs/${id}/files/${quoted(path)}`, file, signal),
  start: (id: string) => ask<Job>("POST", `jobs/${id}/start`),
  cancel: (id: string) => ask<Job>("POST", `jobs/${id}/cancel`),
  remove: (id: string) => ask<void>("DELETE", `jobs/${id}`),
  result: (job: string, key: string) => ask<Shown>("GET", resultPath(job, key)),
  edit: (job: string, key: string, marks: Mark[], change?: Change) =>
    ask<Mark[]>("POST", `${resultPath(job, key)}/edit`, { marks: sent(marks), change }),
  save: (job: string, key: string, marks: Mark[], who: string, note: string) =>
    ask<{ key: string }>("POST", `${resultPath(job, key)}/versions`, {
      marks: sent(marks), who, note,
    }),
  slice: (job: string, key: string, index: number) =>
    ask<Job>("POST", `${resultPath(job, key)}/slice`, { slice_index: index }),
  send: (job: string, key: string) =>
    ask<{ sent: number }>("POST", `${resultPath(job, key)}/send`),
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
