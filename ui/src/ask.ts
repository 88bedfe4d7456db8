import type {Subject} from "./application";
import {problem, type Problem} from "./problem";
import {readAnswer, type Answer} from "./record";

// patience is how long an answer may take, in milliseconds.
const patience = 20_000;

// largest is how many characters of an answer are read.
const largest = 8_000_000;

// Asked is what came of asking: a record, or why there is none.
export type Asked = {answer: Answer} | {problem: Problem};

// ask asks the store, through Argo CD, for the last verdict of an Application.
// Argo CD compares the two headers with what the user may see.
export async function ask(subject: Subject, http: typeof fetch = fetch, base = document.baseURI): Promise<Asked> {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), patience);
    try {
        const response = await http(new URL("extensions/assay/api/v1/extension/verdict", base).href, {
            headers: {
                Accept: "application/json",
                "Argocd-Application-Name": `${subject.namespace}:${subject.name}`,
                "Argocd-Project-Name": subject.project,
            },
            credentials: "same-origin",
            cache: "no-store",
            redirect: "error",
            signal: stop.signal,
        });
        return understand(response.status, response.headers.get("Content-Type") ?? "", await response.text());
    } catch {
        return {problem: problem("no-network", stop.signal.aborted ? `no answer within ${patience / 1000} seconds` : "")};
    } finally {
        clearTimeout(timer);
    }
}

// understand tells what an HTTP answer means. Argo CD answers in plain text,
// and says 401 also of what a role does not allow; the store answers in JSON.
export function understand(status: number, type: string, body: string): Asked {
    if (/^application\/json\b/i.test(type)) {
        return fromStore(status, body);
    }
    const said = /^text\/plain\b/i.test(type) ? body.slice(0, 300) : "";
    switch (true) {
        case status === 401 && said.startsWith("Unauthorized extension request"):
        case status === 403:
            return {problem: problem("not-allowed", said)};
        case status === 401:
        case status === 400 && said.startsWith("Auth cookie not found"):
            return {problem: problem("no-session", said)};
        case status === 404 && said.startsWith("Extension not found"):
            return {problem: problem("not-configured", said)};
        case status === 200:
        case status === 404:
            return {problem: problem("not-enabled")};
        case status >= 500:
            return {problem: problem("unreachable", said || `status ${status}`)};
    }
    return {problem: problem("unreadable", said || `status ${status}`)};
}

function fromStore(status: number, body: string): Asked {
    if (body.length > largest) {
        return {problem: problem("unreadable", `the answer has more than ${largest} characters`)};
    }
    let value: unknown;
    try {
        value = JSON.parse(body);
    } catch {
        return {problem: problem("unreadable", "the answer is no JSON")};
    }
    const error = (value as {error?: unknown} | null)?.error;
    const said = typeof error === "string" ? error : `status ${status}`;
    switch (true) {
        case status === 200:
            return readAnswer(value);
        case status === 404:
            return {problem: problem("no-record", said)};
        case status === 401 || status === 403:
            return {problem: problem("refused", said)};
        case status >= 500:
            return {problem: problem("unreachable", said)};
    }
    return {problem: problem("unreadable", said)};
}
