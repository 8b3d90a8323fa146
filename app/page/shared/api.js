/** The service's calls over `fetch`: JSON in and out, and every error one kind of `Error` with words for people. */

/**
 * @typedef {object} Options
 * @property {string} [method]
 * @property {BodyInit} [body]
 * @property {Record<string, string>} [headers]
 * @property {number} [timeout] seconds for the whole call, the body included; 0: none, for a stream
 * @property {AbortSignal} [signal] ends the call; the error is then the signal's own, not an `ApiError`
 * @property {boolean} [quiet] nobody has asked for this call: nobody is asked for a key because of it
 *
 * @typedef {(error: ApiError, sent: Record<string, string>) => Promise<boolean>} Remedy whether to make a call anew
 *   that was refused, with those further headers sent
 */

const TIMEOUT = 30; // seconds, as the service's own deadline
const NO_KEY = "urn:problem-type:bestguess:no-key";
export const OUT_OF_SCOPE = "urn:problem-type:bestguess:out-of-scope";

/** A call that was not answered as it was meant to be; `detail` is a sentence for people. */
export class ApiError extends Error {
  /**
   * @param {string} detail
   * @param {{ status?: number, retryAfter?: number | null, problem?: Record<string, any> }} [about]
   */
  constructor(detail, { status = 0, retryAfter = null, problem = {} } = {}) {
    super(detail);
    this.name = "ApiError";
    this.detail = detail;
    /** HTTP's status; 0 where there was no answer */
    this.status = status;
    /** seconds after which to ask again, where the service has said so */
    this.retryAfter = retryAfter;
    /** the whole problem+json; `errors` names each parameter of a 422 */
    this.problem = problem;
  }
}

/**
 * Whether a call was refused for want of a key, or of another one.
 *
 * @param {ApiError} error
 */
export function wantsKey({ problem }) {
  return problem.type === NO_KEY || problem.type === OUT_OF_SCOPE;
}

/** @type {() => Record<string, string>} */
let extraHeaders = () => ({});

/**
 * Let every call carry further headers, such as a key.
 *
 * @param {() => Record<string, string>} make called for each call
 */
export function sendWith(make) {
  extraHeaders = make;
}

/** @type {Remedy} */
let remedy = async () => false;

/**
 * Let something be done about calls that are refused, such as asking for a key; each is made anew where that helps.
 *
 * @param {Remedy} find called for each refusal, also that of a call that was made anew
 */
export function remedyWith(find) {
  remedy = find;
}

/**
 * Make a call and return its answer, whose status is below 400.
 *
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<Response>}
 */
export async function request(path, options = {}) {
  for (;;) {
    const sent = extraHeaders();
    const response = await call(path, options, sent);
    if (response.ok) {
      return response;
    }
    const error = await refused(response);
    if (options.quiet || !(await remedy(error, sent))) {
      throw error;
    }
  }
}

/**
 * @param {string} path
 * @param {Options} options
 * @param {Record<string, string>} extra
 * @returns {Promise<Response>}
 */
async function call(path, { method = "GET", body, headers = {}, timeout = TIMEOUT, signal }, extra) {
  const clock = timeout ? AbortSignal.timeout(1000 * timeout) : null;
  const signals = [signal, clock].filter((one) => one instanceof AbortSignal);
  try {
    return await fetch(path, { method, body, headers: { ...extra, ...headers }, signal: AbortSignal.any(signals) });
  } catch (error) {
    throw unanswered(error, signal);
  }
}

/**
 * Make a call whose answer is JSON.
 *
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<any>}
 */
export async function getJson(path, options = {}) {
  const response = await request(path, { ...options, headers: { Accept: "application/json", ...options.headers } });
  try {
    return await response.json();
  } catch (error) {
    throw unanswered(error, options.signal);
  }
}

/**
 * Send JSON, and read the answer's.
 *
 * @param {string} path
 * @param {unknown} value
 * @param {Options} [options]
 * @returns {Promise<any>}
 */
export function postJson(path, value, options = {}) {
  const headers = { "Content-Type": "application/json", ...options.headers };
  return getJson(path, { method: "POST", body: JSON.stringify(value), ...options, headers });
}

/**
 * @param {unknown} error
 * @param {AbortSignal | undefined} signal
 * @returns {unknown}
 */
function unanswered(error, signal) {
  if (signal?.aborted) {
    return error;
  }
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return new ApiError("The service took too long to answer. Try again.");
  }
  if (error instanceof SyntaxError) {
    return new ApiError("The service's answer cannot be read. Something between you and it may have changed it.");
  }
  return new ApiError("The service cannot be reached. Check that it is running, and your connection.");
}

/**
 * @param {Response} response
 * @returns {Promise<ApiError>}
 */
async function refused(response) {
  const problem = await response.json().catch(() => ({}));
  const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  const detail = problem.detail ?? `The service answered ${response.status} ${response.statusText}`.trim();
  return new ApiError(detail, {
    status: response.status,
    retryAfter: Number.isNaN(seconds) ? null : seconds,
    problem,
  });
}
