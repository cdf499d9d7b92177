// A peer connection without a peer, for tests of what the SDK and the element do with one.
// `fake.peers` are all that were made; the last one is driven by `fake.receive(event)` and so on.
// The offer goes to the test's server by the real fetch; microphones are Chromium's own fake ones,
// counted, unless `fake.microphone` holds an exception's name to throw.
(() => {
  class FakeChannel extends EventTarget {
    constructor(label) {
      super();
      Object.assign(this, { label, readyState: 'connecting', sent: [] });
    }
    send(text) {
      this.sent.push(JSON.parse(text));
    }
    close() {
      this.readyState = 'closed';
    }
  }

  class FakePeer extends EventTarget {
    constructor(configuration) {
      super();
      Object.assign(this, { configuration, connectionState: 'new', senders: [] });
      this.localDescription = null;
      this.pair = { type: 'candidate-pair', responsesReceived: 0, bytesReceived: 0 };
      fake.peers.push(this);
    }
    createDataChannel(label) {
      return (this.channel = new FakeChannel(label));
    }
    addTrack(track) {
      const sender = { track, replaceTrack: async (next) => void (sender.track = next) };
      this.senders.push(sender);
      return sender;
    }
    getSenders() {
      return this.senders;
    }
    async setLocalDescription() {
      this.localDescription = { type: 'offer', sdp: 'v=0 fake offer' };
    }
    async setRemoteDescription(description) {
      if (this.connectionState === 'closed') throw new DOMException('closed', 'InvalidStateError');
      this.remoteDescription = description;
      const { stream } = fake.agentVoice();
      const event = new Event('track');
      event.track = stream.getAudioTracks()[0];
      this.dispatchEvent(event);
      if (fake.connects) queueMicrotask(() => this.open());
    }
    open() {
      this.become('connected');
      this.channel.readyState = 'open';
      this.channel.dispatchEvent(new Event('open'));
    }
    become(state) {
      this.connectionState = state;
      this.dispatchEvent(new Event('connectionstatechange'));
    }
    // Every look finds more, unless fake.silent: in these of the pair's counters.
    async getStats() {
      if (!fake.silent) for (const counter of fake.counted) this.pair[counter]++;
      return new Map([['pair', { ...this.pair }], ['in', { ...fake.inbound }]]);
    }
    close() {
      this.connectionState = 'closed'; // without an event, as browsers do
    }
  }

  const fake = (globalThis.fake = {
    peers: [],
    tracks: [], // of microphones that were opened
    contexts: [],
    constraints: [],
    beacons: [],
    connects: true,
    silent: false, // nothing arrives any more
    counted: ['responsesReceived', 'bytesReceived'],
    inbound: { type: 'inbound-rtp', kind: 'audio' },
    microphone: '',
    get peer() {
      return fake.peers.at(-1);
    },
    receive(...events) {
      for (const event of events) {
        const data = typeof event === 'string' ? event : JSON.stringify(event);
        fake.peer.channel.dispatchEvent(new MessageEvent('message', { data }));
      }
    },
    agentVoice() {
      const context = (fake.context ??= new RealAudioContext());
      const out = context.createMediaStreamDestination();
      return { stream: out.stream };
    },
    // Everything a call may own and must let go of.
    held() {
      return {
        microphones: fake.tracks.filter((track) => track.readyState === 'live').length,
        peers: fake.peers.filter((peer) => peer.connectionState !== 'closed').length,
        contexts: fake.contexts.filter((context) => context.state !== 'closed').length,
        pagehide: fake.listening,
      };
    },
    listening: 0,
  });

  const RealAudioContext = AudioContext;
  globalThis.AudioContext = class extends RealAudioContext {
    constructor(options) {
      super(options);
      fake.contexts.push(this);
    }
  };
  globalThis.RTCPeerConnection = FakePeer;

  if (navigator.mediaDevices) {
    const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (constraints) => {
      fake.constraints.push(constraints);
      if (fake.microphone) throw new DOMException('refused by the test', fake.microphone);
      const stream = await real(constraints);
      fake.tracks.push(...stream.getTracks());
      return stream;
    };
  }

  const beacon = navigator.sendBeacon.bind(navigator);
  navigator.sendBeacon = (url, body) => (fake.beacons.push(url), beacon(url, body));

  const add = globalThis.addEventListener.bind(globalThis);
  globalThis.addEventListener = (type, listener, options) => {
    if (type === 'pagehide') {
      fake.listening++;
      options?.signal?.addEventListener('abort', () => fake.listening--);
    }
    return add(type, listener, options);
  };
})();
