import assert from "node:assert/strict";
import {test} from "node:test";
import {subjectOf} from "../src/application";
import {ask, understand} from "../src/ask";
import {raw} from "./records";

const application = {metadata: {name: "shop", namespace: "team-a"}, spec: {project: "team-a"}, status: {sync: {revision: "abc"}}};

function kind(status: number, type: string, body: string): string {
    const asked = understand(status, type, body);
    return "problem" in asked ? asked.problem.kind : asked.answer.records[0].outcome;
}

test("each way of not knowing is told apart, and none is a verdict", () => {
    const plain = "text/plain; charset=utf-8";
    const json = "application/json";
    for (const [status, type, body, want] of [
        [200, json, JSON.stringify(raw("allowed")), "allowed"],
        [200, json, JSON.stringify(raw("denied")), "denied"],
        [200, json, JSON.stringify(raw("unanswered")), "unanswered"],
        [404, json, `{"error":"no record"}`, "no-record"],
        [401, json, `{"error":"token"}`, "refused"],
        [403, json, `{"error":"token"}`, "refused"],
        [503, json, `{"error":"no replica"}`, "unreachable"],
        [400, json, `{"error":"headers"}`, "unreadable"],
        [200, json, "not json", "unreadable"],
        [200, json, "{}", "unreadable"],
        [200, json, "null", "unreadable"],
        [200, json, "[]", "unreadable"],
        [401, plain, "Unauthorized extension request\n", "not-allowed"],
        [403, "text/html", "<h1>403</h1>", "not-allowed"],
        [401, plain, "Invalid token\n", "no-session"],
        [400, plain, "Auth cookie not found\n", "no-session"],
        [404, plain, "Extension not found\n", "not-configured"],
        [404, plain, "404 page not found\n", "not-enabled"],
        [200, "text/html; charset=utf-8", "<!DOCTYPE html>", "not-enabled"],
        [502, "", "", "unreachable"],
        [504, "text/html", "timeout", "unreachable"],
        [400, plain, "Invalid headers: x", "unreadable"],
        [302, "", "", "unreadable"],
    ] as const) {
        assert.equal(kind(status, type, body), want, `${status} ${type} ${body.slice(0, 40)}`);
    }
});

test("the request names the Application and nothing else, below Argo CD's own path", async () => {
    let asked: {url: string; init: RequestInit} | undefined;
    const http = (async (url: string, init: RequestInit) => {
        asked = {url, init};
        return new Response(JSON.stringify(raw("allowed")), {headers: {"Content-Type": "application/json"}});
    }) as unknown as typeof fetch;
    const got = await ask(subjectOf(application), http, "https://cd.example.com/argocd/applications/team-a/shop?x=1");
    assert.ok("answer" in got);
    assert.equal(asked?.url, "https://cd.example.com/argocd/applications/team-a/extensions/assay/api/v1/extension/verdict");
    const based = await ask(subjectOf(application), http, "https://cd.example.com/argocd/");
    assert.ok("answer" in based);
    assert.equal(asked?.url, "https://cd.example.com/argocd/extensions/assay/api/v1/extension/verdict", "document.baseURI is <base href>, which Argo CD always has");
    assert.deepEqual(asked?.init.headers, {Accept: "application/json", "Argocd-Application-Name": "team-a:shop", "Argocd-Project-Name": "team-a"});
    assert.equal(asked?.init.method ?? "GET", "GET");
    assert.equal(asked?.init.redirect, "error");
});

test("a network that fails is told as such", async () => {
    const got = await ask(subjectOf(application), (() => Promise.reject(new TypeError("failed"))) as unknown as typeof fetch, "https://cd.example.com/");
    assert.ok("problem" in got);
    assert.equal(got.problem.kind, "no-network");
});

test("in an app of apps the tab is about the Application that was chosen", () => {
    const child = {apiVersion: "argoproj.io/v1alpha1", kind: "Application", metadata: {name: "child", namespace: "argocd"}, spec: {project: "other"}, status: {sync: {revisions: ["r1", "r2"]}}};
    assert.deepEqual(subjectOf(application, child), {name: "child", namespace: "argocd", project: "other", revisions: ["r1", "r2"], seen: " r1 r2"});
    for (const other of [{...child, kind: "Deployment"}, {...child, apiVersion: "example.com/v1"}, undefined, null, "x"]) {
        assert.equal(subjectOf(application, other).name, "shop");
    }
    assert.equal(subjectOf({metadata: {name: "a", namespace: "b"}, spec: {}}).project, "default");
});
