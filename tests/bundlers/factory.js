// The same, with a worker that the program starts by itself, as docs/javascript.md has it.
import { listenShared } from "./shared.js";

globalThis.listen = listenShared;
