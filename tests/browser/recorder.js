// Run in a tab: listens with the client of the page's server, and keeps what it is told.
globalThis.recorder = {
  listenings: new Map(),

  async begin(name, bindings, { client = "/events/v1/client.js", ...options }) {
    const { listen } = await import(client);
    const told = {
      messages: [],
      readies: [],
      gaps: [],
      errors: [],
      stales: [],
      pings: [],
      phases: [],
      rebinds: [],
    };
    const listening = listen(bindings, {
      onMessage: (message) => told.messages.push(message.payload),
      onReady: (event) => told.readies.push(event),
      onGap: (gap) => told.gaps.push(gap),
      onError: (error) => told.errors.push(error.toJSON()),
      onStale: (stale) => told.stales.push(stale),
      onPing: (ping) => told.pings.push(ping),
      onState: ({ phase }) => told.phases.push(phase),
      ...options,
    });
    this.listenings.set(name, { listening, told });
  },

  rebind(name, bindings) {
    const { listening, told } = this.listenings.get(name);
    listening.rebind(bindings).then(
      () => told.rebinds.push("in force"),
      (error) => told.rebinds.push(error.message),
    );
  },

  told(name) {
    return this.listenings.get(name).told;
  },

  close(name) {
    this.listenings.get(name).listening.close();
  },
};
