/**
 * The known server, a process of its own: HTTP/1.1 on plain sockets, so that it takes a fraction of what a
 * framework would and leaves the machine to the tools that are measured. Each request is answered after a
 * delay drawn from a log-normal distribution; what it really took, from the request's last byte to the
 * answer, is written down: the truth does not depend on how exact the timers are.
 *
 * Talks to the bench over the IPC channel; see {@link TargetCommand}.
 */
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { monotonicUs } from '../../../gate-service/src/load/monotonic.ts';
import { createRandom } from '../../../gate-service/src/statistics/random.ts';
import type { TargetCommand, TargetReply, TargetReport } from './target.ts';
import { serviceTimeUs, type Distribution } from './truth.ts';

const ANSWER = Buffer.from(
  'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\nx-speed-gate-node: known\r\n\r\nfine\n',
);
const END_OF_HEAD = '\r\n\r\n';

/** Set anew by each `begin`. */
let random = createRandom(1);
let distribution: Distribution = { medianMs: 1, sigma: 0 };
let stallAfterMs: number | undefined;
let report: TargetReport = { requests: 0, arrivedUs: [], serviceUs: [] };

const server = createServer({ noDelay: true }, (socket) => {
  let rest = '';
  // A tool that goes away in the middle is no error of the server.
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    rest += chunk.toString('latin1');
    for (let end = rest.indexOf(END_OF_HEAD); end >= 0; end = rest.indexOf(END_OF_HEAD)) {
      rest = rest.slice(end + END_OF_HEAD.length);
      serve(socket);
    }
  });
});

/** Only requests without a body are sent to it. */
function serve(socket: Socket): void {
  const receivedUs = monotonicUs();
  const own = report;
  own.requests += 1;
  own.arrivedUs.push(receivedUs);
  if (own.requests === 1) {
    own.firstUs = receivedUs;
    if (stallAfterMs !== undefined) setTimeout(stall, stallAfterMs, own);
  }
  setTimeout(
    () => {
      const answeredUs = monotonicUs();
      if (!socket.destroyed) socket.write(ANSWER);
      const { stall: met } = own;
      // What met the stall says nothing of the service time.
      if (met !== undefined && answeredUs > met.fromUs && receivedUs < met.toUs) return;
      own.serviceUs.push(Math.round(answeredUs - receivedUs));
    },
    serviceTimeUs(distribution, random) / 1000,
  );
}

/** The whole process stands still, as in a long garbage collection: nothing is read, nothing answered. */
function stall(own: TargetReport): void {
  const fromUs = monotonicUs();
  // Before it stands still, so that answers which wait meanwhile see it.
  const met = { fromUs, toUs: fromUs };
  own.stall = met;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
  met.toUs = monotonicUs();
}

function reply(message: TargetReply): void {
  process.send?.(message);
}

process.on('message', (command: TargetCommand) => {
  switch (command.do) {
    case 'begin':
      random = createRandom(command.seed, 'service');
      ({ distribution, stallAfterMs } = command);
      report = { requests: 0, arrivedUs: [], serviceUs: [] };
      reply({ begun: true });
      break;
    case 'count':
      reply({ requests: report.requests, atUs: monotonicUs() });
      break;
    case 'end':
      reply({ report });
      break;
  }
});
// The bench is gone: nobody asks any more.
process.on('disconnect', () => process.exit(0));

server.listen(0, '127.0.0.1', 4096, () => {
  reply({ port: (server.address() as AddressInfo).port });
});
