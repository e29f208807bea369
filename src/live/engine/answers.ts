/** How a simulated engine answers: JSON, text, and failures in the shape of OpenAI's. */
import type { ServerResponse } from 'node:http';

type Headers = Readonly<Record<string, string>>;

export function sendError(response: ServerResponse, status: number, message: string, headers: Headers = {}): void {
  sendJson(response, status, { error: { message, type: 'engine_error', code: status, param: null } }, headers);
}

export function sendJson(response: ServerResponse, status: number, body: object, headers: Headers = {}): void {
  const text = JSON.stringify(body);
  const length = Buffer.byteLength(text);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': length, ...headers }).end(text);
}

/** Of Prometheus. */
export function sendMetrics(response: ServerResponse, text: string): void {
  const length = Buffer.byteLength(text);
  response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4', 'content-length': length }).end(text);
}
