// A user's program: what a test's tab listens with.
import { listen } from "pulse-events";

globalThis.listen = listen;
