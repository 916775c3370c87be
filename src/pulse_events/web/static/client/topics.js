// @ts-check
/**
 * AMQP topic patterns as RabbitMQ matches them, and which listeners a message is for.
 *
 * Words are what stands between dots; the empty key has none, "." has two empty ones.  "*" is one
 * word, "#" zero or more.  The same as `topics.py` of the server, tested against the same vectors.
 */

/** @import { Binding, Message } from "../pulse-events.d.ts" */
/** @typedef {Pick<Message, "exchange" | "routingKey" | "cc">} Routed */

const CACHE_LIMIT = 4096;

/** @param {string} text */
const wordsOf = (text) => (text === "" ? [] : text.split("."));

/**
 * One word of the patterns; `items` are those whose pattern ends here.
 * @template T
 */
class Node {
  /** @type {Map<string, Node<T>>} */
  children = new Map();
  /** @type {Set<T>} */
  items = new Set();

  /** @param {boolean} isAny */
  constructor(isAny) {
    this.isAny = isAny;
  }
}

/**
 * Items filed under patterns: a trie of words, whose answers are kept per key.
 * @template T
 */
export class TopicIndex {
  /** @type {Node<T>} */
  #root = new Node(false);
  /** @type {Map<string, Set<T>>} */
  #answers = new Map();

  /**
   * @param {string} pattern
   * @param {T} item
   */
  add(pattern, item) {
    let node = this.#root;
    for (const word of wordsOf(pattern)) {
      let child = node.children.get(word);
      if (!child) {
        child = new Node(word === "#");
        node.children.set(word, child);
      }
      node = child;
    }
    node.items.add(item);
    this.#answers.clear();
  }

  /**
   * @param {string} key a routing key
   * @returns {Set<T>} the items whose patterns match it; not to be changed
   */
  match(key) {
    let answer = this.#answers.get(key);
    if (!answer) {
      if (this.#answers.size >= CACHE_LIMIT) this.#answers.clear();
      answer = this.#search(key);
      this.#answers.set(key, answer);
    }
    return answer;
  }

  /**
   * Walks with the set of nodes reachable after each word: recursion on "#.#.#" is exponential.
   * @param {string} key
   */
  #search(key) {
    let nodes = reachable(this.#root, new Set());
    for (const word of wordsOf(key)) nodes = advance(nodes, word);
    /** @type {Set<T>} */
    const found = new Set();
    for (const node of nodes) for (const item of node.items) found.add(item);
    return found;
  }
}

/**
 * @template T
 * @param {Set<Node<T>>} nodes
 * @param {string} word
 */
function advance(nodes, word) {
  /** @type {Set<Node<T>>} */
  const reached = new Set();
  for (const node of nodes) {
    if (node.isAny) reached.add(node); // it swallows the word and stays
    for (const step of [word, "*"]) {
      const child = node.children.get(step);
      if (child) reachable(child, reached);
    }
  }
  return reached;
}

/**
 * Adds `node` and the "#" nodes behind it, which need no word to be reached.
 * @template T
 * @param {Node<T>} node
 * @param {Set<Node<T>>} reached
 */
function reachable(node, reached) {
  /** @type {Node<T> | undefined} */
  let next = node;
  for (; next; next = next.children.get("#")) reached.add(next);
  return reached;
}

/**
 * Which items a message is for, by exchange, routing key and CC keys.
 * @template T
 */
export class Router {
  /** @type {Map<string, TopicIndex<T>>} */
  #indexes = new Map();

  /**
   * @param {Iterable<Binding>} bindings
   * @param {T} item
   */
  add(bindings, item) {
    for (const { exchange, routingKeyPattern } of bindings) {
      let index = this.#indexes.get(exchange);
      if (!index) {
        index = new TopicIndex();
        this.#indexes.set(exchange, index);
      }
      index.add(routingKeyPattern, item);
    }
  }

  /**
   * @param {Routed} message
   * @returns {Set<T>}
   */
  match(message) {
    const index = this.#indexes.get(message.exchange);
    if (!index) return new Set();
    const found = index.match(message.routingKey);
    if (!message.cc?.length) return found;
    const all = new Set(found); // `found` is the index's own, kept for the next message
    for (const key of message.cc) for (const item of index.match(key)) all.add(item);
    return all;
  }
}

/**
 * @param {string} pattern
 * @param {string} key a routing key
 * @returns {boolean} whether RabbitMQ's topic exchange would deliver it
 */
export function matches(pattern, key) {
  const index = new TopicIndex();
  index.add(pattern, true);
  return index.match(key).size > 0;
}
