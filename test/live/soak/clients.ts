/**
 * Clients of the soak, good and bad. Each has one request at a time and says how it ended; one that waited too long for
 * its last word says `nothing`, which is what the soak is to show never happens.
 */
import { type Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Rng } from '../../../src/kernel/rng.ts';

export type Ending =
  /** A whole reply, with its status. */
  | `${number}`
  /** A stream with its end marker, one with an error event, one cut off. */
  | 'done'
  | 'error-event'
  | 'cut'
  /** The client left or misbehaved by intent. */
  | 'left'
  /** No last word in time. */
  | 'nothing';

export interface Hit {
  readonly url: URL;
  readonly draw: Rng;
  readonly agent: Agent;
}

type Visit = (hit: Hit) => Promise<Ending>;

/** Far above every bound of the soak's proxy. */
const PATIENCE_MS = 30_000;
const PATH = '/v1/chat/completions';

function bodyOf(draw: Rng, stream: boolean): string {
  const content = 'word '.repeat(1 + Math.floor(draw() * 60));
  const tokens = 1 + Math.floor(draw() * 40);
  return JSON.stringify({ model: 'test-model', stream, max_tokens: tokens, messages: [{ role: 'user', content }] });
}

/** Resolves once, with the first answer, or with `nothing` when there is none in time. */
function visit(begin: (end: (ending: Ending) => void) => void): Promise<Ending> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('nothing'), PATIENCE_MS);
    begin((ending) => {
      clearTimeout(timer);
      resolve(ending);
    });
  });
}

function post({ url, agent }: Hit, body: string, heard: (reply: IncomingMessage) => void, failed: () => void) {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const options = { host: url.hostname, port: url.port, path: PATH, method: 'POST', agent, headers };
  const request = httpRequest(options, heard);
  request.on('error', failed);
  request.end(body);
  return request;
}

function endingOf(text: string, isWhole: boolean, reply: IncomingMessage): Ending {
  if (reply.headers['content-type']?.startsWith('text/event-stream') !== true) {
    return isWhole ? `${reply.statusCode ?? 0}` : 'cut';
  }
  const isDone = text.endsWith('data: [DONE]\n\n');
  const hasError = /data: \{"error":.*\n\n$/.test(text);
  if (isWhole && isDone && !hasError) return 'done';
  if (isWhole && hasError && !text.includes('[DONE]')) return 'error-event';
  return isWhole ? 'nothing' : 'cut';
}

/** Reads to the end; `pauseMs` > 0: with a rest after each piece. */
function read(reply: IncomingMessage, pauseMs: number, end: (ending: Ending) => void): void {
  let text = '';
  reply.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    if (pauseMs === 0) return;
    reply.pause();
    setTimeout(() => reply.resume(), pauseMs);
  });
  reply.once('error', () => undefined);
  reply.once('close', () => end(endingOf(text, reply.complete, reply)));
}

function plain(stream: boolean, pauseMs: number): Visit {
  return (hit) => {
    return visit((end) => post(hit, bodyOf(hit.draw, stream), (reply) => read(reply, pauseMs, end), () => end('cut')));
  };
}

/** Goes away after a while, whatever has come. */
const leaving: Visit = (hit) => {
  return visit((end) => {
    const request = post(hit, bodyOf(hit.draw, hit.draw() < 0.5), (reply) => reply.resume(), () => undefined);
    const afterMs = hit.draw() * 60;
    setTimeout(() => request.destroy(), afterMs);
    request.once('close', () => end('left'));
  });
};

/** A raw connection; `left` whenever it closes. */
function rawVisit({ url }: Hit, play: (socket: Socket) => void): Promise<Ending> {
  return visit((end) => {
    const socket = connect({ port: Number(url.port), host: url.hostname, allowHalfOpen: true });
    socket.on('error', () => undefined);
    socket.once('close', () => end('left'));
    socket.once('connect', () => play(socket));
  });
}

function head(bytes: number): string {
  return `POST ${PATH} HTTP/1.1\r\nHost: soak\r\nConnection: close\r\nContent-Length: ${bytes}\r\n\r\n`;
}

/** Asks for a long stream and reads nothing of it until it is cut off. */
const stalled: Visit = (hit) => {
  return rawVisit(hit, (socket) => {
    const long = { model: 'test-model', stream: true, max_tokens: 2000, messages: [{ role: 'user', content: 'x' }] };
    const body = JSON.stringify(long);
    socket.pause();
    socket.write(head(body.length) + body);
    setTimeout(() => socket.destroy(), 300 + hit.draw() * 500);
  });
};

/** Sends its body in drips; half of them never end it. */
const dripping: Visit = (hit) => {
  return rawVisit(hit, (socket) => {
    const body = bodyOf(hit.draw, false);
    const isEndless = hit.draw() < 0.5;
    socket.resume();
    socket.write(head(body.length + (isEndless ? 1 : 0)));
    let at = 0;
    const next = (): void => {
      if (socket.destroyed) return;
      if (at < body.length) socket.write(body.slice(at, (at += 40)));
      if (at < body.length || isEndless) setTimeout(next, 5);
    };
    next();
    socket.once('end', () => socket.destroy());
  });
};

/** Asks, and says at once that it will send nothing more. */
const halfOpen: Visit = (hit) => {
  return rawVisit(hit, (socket) => {
    const body = bodyOf(hit.draw, true);
    socket.resume();
    socket.end(head(body.length) + body);
    socket.once('end', () => socket.destroy());
  });
};

const resetting: Visit = (hit) => {
  return rawVisit(hit, (socket) => {
    const body = bodyOf(hit.draw, true);
    socket.resume();
    socket.write(head(body.length) + body);
    setTimeout(() => socket.resetAndDestroy(), hit.draw() * 40);
  });
};

const garbling: Visit = (hit) => {
  return rawVisit(hit, (socket) => {
    socket.resume();
    socket.write(Buffer.from(Array.from({ length: 200 }, () => Math.floor(hit.draw() * 256))));
    setTimeout(() => socket.destroy(), 50);
  });
};

export const VISITS: readonly (readonly [name: string, weight: number, visit: Visit])[] = [
  ['plain', 8, plain(false, 0)],
  ['stream', 8, plain(true, 0)],
  ['slow reader', 3, plain(true, 3)],
  ['leaving', 3, leaving],
  ['stalled', 1, stalled],
  ['dripping', 2, dripping],
  ['half-open', 2, halfOpen],
  ['resetting', 2, resetting],
  ['garbling', 1, garbling],
];
