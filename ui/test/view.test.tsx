import assert from "node:assert/strict";
import {test} from "node:test";
import * as React from "react";
import {renderToStaticMarkup} from "react-dom/server";
import type {Subject} from "../src/application";
import type {Asked} from "../src/ask";
import {Summary} from "../src/panel";
import {problem, type Kind} from "../src/problem";
import {View} from "../src/tab";
import {answer, raw} from "./records";

const now = new Date("2026-03-14T10:00:00Z");
const subject: Subject = {name: "shop", namespace: "argocd", project: "team-a", revisions: [], seen: ""};

// tab is the text of the tab, and the panel's below it.
function page(asked: Asked | undefined, of: Subject = subject): string {
    const state = {asked, asking: false, now, again: () => {}};
    return renderToStaticMarkup(<View subject={of} state={state} />) + renderToStaticMarkup(<Summary subject={of} state={state} open={() => {}} />);
}

function words(asked: Asked | undefined, of?: Subject): string {
    return page(asked, of).replace(/<\/(p|dd|dt|h3|h4|div|li|summary)>/g, "\n").replace(/<[^>]*>/g, "").replace(/&#x27;/g, "'").replace(/&quot;/g, '"').replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

const outcomes = (html: string) => [...new Set([...html.matchAll(/data-outcome="([^"]*)"/g)].map((m) => m[1]))];

test("each outcome is shown as itself alone", () => {
    for (const [name, outcome] of [["allowed", "allowed"], ["denied", "denied"], ["unanswered", "unanswered"]] as const) {
        assert.deepEqual(outcomes(page({answer: answer(name)})), [outcome]);
    }
    assert.deepEqual(outcomes(page(undefined)), []);
});

test("what is not known is never shown as a verdict, and says what to do", () => {
    const kinds: Kind[] = ["no-record", "not-allowed", "no-session", "not-configured", "not-enabled", "unreachable", "refused", "unreadable", "no-network"];
    const seen = new Set<string>();
    for (const kind of kinds) {
        const asked = {problem: problem(kind, "what the server said")};
        assert.deepEqual(outcomes(page(asked)), ["unknown"]);
        const text = words(asked);
        assert.ok(!/Allowed|Denied|No answer/.test(text), text);
        assert.match(text, /what the server said/);
        seen.add(text);
    }
    assert.equal(seen.size, kinds.length);
    assert.match(words({problem: problem("not-allowed")}), /extensions, invoke, assay, allow/);
    assert.match(words({problem: problem("not-configured")}), /extension\.config/);
    assert.match(words({problem: problem("unreachable")}), /it is no denial/);
});

test("an image tells who signed it, from what source, by which rule", () => {
    const text = words({answer: answer("allowed")});
    for (const part of [
        "ghcr.io/team-a/shop:1.8.2", "sha256:9f86d081884c", "asked of the registry", "linux/amd64, linux/arm64", "by trust rule team-a-images/release-workflow of gate production",
        "release.yaml@refs/tags/v1.8.2", "token.actions.githubusercontent.com", "https://github.com/team-a/shop at 3b1e9d2f7c8a", "SLSA build level 3", "2026-03-12 16:02:11 UTC", "it has moved since it was locked",
        "No evidence that the gate accepts", 
    ]) {
        assert.ok(text.includes(part), part);
    }
});

test("waivers tell their last day, and those about to end say so", () => {
    assert.match(words({answer: answer("allowed")}), /2026-03-20 \(UTC\), 6 days from now/);
    assert.match(words({answer: answer("allowed", (a) => (a.records[0].waivers[0].until = "2026-03-13T23:59:59Z"))}), /which has passed/);
    assert.match(words({answer: answer("allowed", (a) => delete a.records[0].waivers[0].until)}), /nothing ends it/);
    assert.match(words({answer: answer("allowed", (a) => (a.records[0].waivers[0].until = "2026-06-30T23:59:59Z"))}), /2026-06-30 \(UTC\)\n/);
});

test("what was injected is counted by kind", () => {
    const text = words({answer: answer("allowed")});
    assert.match(text, /2 digests pinned, 3 settings filled in, 2 fields changed by the platform's policies\./);
    assert.match(text, /service\/shop\/shop: 2 fields changed by the platform's policies by mutate\/labels/);
});

test("what is empty is said", () => {
    const text = words({answer: answer("unanswered", (a) => Object.assign(a.records[0], {findings: [], images: [], counts: {...a.records[0].counts, images: 0}}))});
    for (const part of ["Nothing was found.", "No images were found", "None was used.", "Manifests\nthe run did not come so far", "Not known: the run did not come so far.", "not known"]) {
        assert.ok(text.includes(part), part);
    }
});

test("a record of another revision, and replicas without an answer, are said", () => {
    const of = {...subject, revisions: ["c".repeat(40)]};
    assert.match(words({answer: answer("denied")}, of), /another revision than Argo CD compares now \(cccccccccccc\)/);
    assert.match(words({answer: answer("denied")}, of), /Of another revision/);
    const same = {...subject, revisions: ["8f2c1d7a4b6e9035c1d2e3f4a5b6c7d8e9f00112"]};
    assert.doesNotMatch(words({answer: answer("denied")}, same), /another revision/);
    assert.match(words({answer: answer("denied")}), /10\.42\.0\.17:8087 \(connection refused\)/);
    assert.doesNotMatch(words({answer: answer("allowed")}), /gave no answer/);
});

test("a denial names the last other revision that passed, and not as one that passes now", () => {
    const before = "Passed before\n3f786850e387 (on git.example.com), judged at 2026-03-13 15:09:26 UTC, as far as the sidecar knew. Whether it passes now: assay last-good shop\n";
    const text = words({answer: answer("denied")});
    assert.ok(text.includes(before), text);
    assert.match(words({answer: answer("denied", (a) => (a.records[0].application = "team-a_shop"))}), /assay last-good team-a\/shop/);
    assert.doesNotMatch(words({answer: answer("denied", (a) => delete a.records[0].lastAllowed)}), /last-good/);
    const last = {revision: "3f786850", time: "2026-03-13T15:09:26Z"};
    for (const name of ["allowed", "unanswered"]) {
        assert.doesNotMatch(words({answer: answer(name, (a) => (a.records[0].lastAllowed = last))}), /last-good/);
    }
    const html = page({answer: answer("denied", (a) => (a.records[0].lastAllowed.revision = payload))});
    assert.doesNotMatch(html.replace(/"[^"]*"/g, `""`), /<(img|script)/i);
    assert.ok(!html.includes("\u202e"));
});

test("a gate that only warns is not told as one that found nothing", () => {
    const audited = answer("allowed", (a) => {
        a.records[0].counts.audited = 2;
        a.records[0].findings[1].audited = true;
    });
    const text = words({answer: audited});
    assert.match(text, /2 findings would have stopped this Application/);
    assert.match(text, /Would deny/);
});

test("break glass comes first", () => {
    const text = words({answer: answer("allowed", (a) => (a.records[0].banner = "BREAK GLASS until 2026-03-15"))});
    assert.ok(text.indexOf("BREAK GLASS") < text.indexOf("3 images, 12 objects"));
    assert.match(text, /Break glass/);
});

const payload = `"><img src=x onerror=alert(1)><script>alert(1)</script>\u202e`;

// hostile puts the payload, or an address that runs something, wherever the
// record's author may.
function hostile(value: any, address: string): any {
    if (Array.isArray(value)) {
        return value.map((each) => hostile(each, address));
    }
    if (typeof value === "object" && value !== null) {
        return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, ["schema", "outcome", "level", "time", "signed", "until"].includes(name) ? each : hostile(each, address)]));
    }
    return typeof value === "string" ? address : value;
}

test("texts of a record are never markup, and addresses that run something are never links", () => {
    for (const text of [payload, "javascript:alert(1)", "https://github.com@evil.example.com/", "data:text/html,<script>alert(1)</script>"]) {
        const html = page({answer: answer("allowed", (a) => Object.assign(a, hostile(a, text)))});
        const tags = html.replace(/"[^"]*"/g, `""`); // what is left between < and > is markup
        assert.doesNotMatch(tags, /<(img|script|iframe|svg)|<[^>]*\s(on\w+|src|style)=/i);
        assert.doesNotMatch(html, /href=/);
        assert.ok(!html.includes("\u202e"));
    }
});

test("every link opens apart, without a way back, and shows its host", () => {
    const html = page({answer: answer("allowed")});
    const links = [...html.matchAll(/<a ([^>]*)>([^<]*)<\/a>(<span[^>]*>[^<]*<\/span>)?/g)];
    assert.ok(links.length > 5);
    for (const [whole, attributes, text, beside] of links) {
        assert.match(attributes ?? "", /target="_blank" rel="noopener noreferrer"/, whole);
        const host = new URL(/href="([^"]*)"/.exec(attributes ?? "")?.[1] ?? "").host;
        assert.ok((text ?? "").includes(host) || (beside ?? "").includes(host), whole);
    }
});

test("what was not looked at is not told as missing", () => {
    const unanswered = words({answer: answer("unanswered")});
    assert.match(unanswered, /could not be looked at/);
    assert.doesNotMatch(unanswered, /No evidence|Nothing: what the author/);
    assert.match(words({answer: answer("allowed", (a) => (a.records[0].injected = []))}), /Nothing: what the author wrote was judged as it is\./);
});

test("an Application of several sources is shown by the worst, and each source apart", () => {
    const both = answer("denied", (a) => a.records.push(raw("allowed").records[0]));
    const html = page({answer: both});
    assert.match(html, /assay-head"><span class="assay-outcome assay-denied" data-outcome="denied"/);
    const text = words({answer: both});
    assert.match(text, /source 1 of 2, the worst first/);
    assert.match(text, /Allowed deploy\/production source 2 of 2/);
    assert.match(text, /2 denied, 1 without answer, 2 warnings, 1 waiver, 5 images, 2 sources/);
    assert.doesNotMatch(words({answer: answer("denied")}), /source 1/);
});

test("records that the store cannot read are said", () => {
    assert.match(words({answer: answer("allowed", (a) => (a.damaged = 2))}), /could not read 2 records/);
});
