/** What the inspector's modules hand to each other. */
import type { Binding, Message } from "../pulse-events.d.ts";

export type { Binding, Gap, Listening, Message, State } from "../pulse-events.d.ts";

/** One named part of a routing key. */
export interface Word {
  name: string;
  /** What always stands here. */
  constant: string | null;
  /** May stand for several words; the last one of a key only. */
  many: boolean;
  /** May be "_". */
  optional: boolean;
}

export interface Exchange {
  service: string;
  event: string;
  exchange: string;
  words: Word[];
}

/** A message in the table. */
export interface MessageEntry {
  kind: "message";
  seq: number;
  /** When it came, milliseconds since the epoch. */
  at: number;
  /** When it could first be seen; later than `at` after a pause. */
  shownAt: number;
  message: Message;
  /** Its JSON as the server sent it. */
  text: string;
  /** Lower case, made when a filter first asks for it. */
  searched?: string;
}

/** A line across the table: messages may be missing here, or what is heard has changed. */
export interface NoteEntry {
  kind: "note";
  seq: number;
  at: number;
  shownAt: number;
  tone: "gap" | "change";
  words: string;
  /** ISO 8601, of a gap. */
  from?: string;
  to?: string;
}

export type Entry = MessageEntry | NoteEntry;
export type NewEntry = Omit<MessageEntry, "seq" | "shownAt"> | Omit<NoteEntry, "seq" | "shownAt">;

export type Operator = "=" | "!=" | "~" | "!~";

export interface FieldTest {
  field: string;
  op: Operator;
  value: string;
}

/** All that a link to the page says. */
export interface View {
  bindings: Binding[];
  /** Whether to listen as soon as the page is there. */
  listening: boolean;
  text: string;
  tests: FieldTest[];
  columns: string[];
  chart: boolean;
  editor: boolean;
  raw: boolean;
}

export interface Column {
  id: string;
  label: string;
  /** A grid track. */
  width: string;
}

/** A place for a binding's fault. */
export interface Fault {
  /** Index of the binding; null if it is about all of them. */
  row: number | null;
  field: "exchange" | "routingKeyPattern";
  text: string;
}
