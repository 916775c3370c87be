/** Reads `{ catalogue, keys: [[exchange, routingKey], …] }`, prints the fields of each key. */
import { text } from "node:stream/consumers";
import { Catalogue } from "../../src/pulse_events/web/static/inspector/catalogue.js";

const { catalogue, keys } = JSON.parse(await text(process.stdin));
const known = new Catalogue(catalogue);
console.log(JSON.stringify(keys.map(([exchange, key]) => known.fieldsOf(exchange, key))));
