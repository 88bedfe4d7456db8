import assert from "node:assert/strict";
import {test} from "node:test";
import {readAnswer} from "../src/record";
import {answer, raw} from "./records";

test("a record is read whole", () => {
    const {records: [record], silent} = answer("allowed");
    assert.equal(record.outcome, "allowed");
    assert.equal(record.images.length, 3);
    assert.equal(record.images[0]?.evidence[1]?.buildLevel, 3);
    assert.equal(record.findings[0]?.object, "job/shop/migrate");
    assert.equal(record.waivers[0]?.until, "2026-03-20");
    assert.equal(record.injected[2]?.count, 2);
    assert.deepEqual(silent, []);
    assert.deepEqual(answer("denied").silent, [{address: "10.42.0.17:8087", error: "connection refused"}]);
});

test("an answer of another form is refused with the field's name", () => {
    for (const [change, says] of [
        [(a: any) => delete a.records, /records is missing/],
        [(a: any) => (a.records = []), /records is empty/],
        [(a: any) => (a.records[0] = []), /records\[0\]: the entry is no object/],
        [(a: any) => (a.records[0].schema = "assay.dev/audit/v2"), /assay.dev\/audit\/v2/],
        [(a: any) => delete a.records[0].outcome, /outcome is missing/],
        [(a: any) => (a.records[0].outcome = "ok"), /outcome is "ok"/],
        [(a: any) => (a.records[0].outcome = "constructor"), /outcome/],
        [(a: any) => (a.records[0].outcome = "__proto__"), /outcome/],
        [(a: any) => (a.records[0].time = "yesterday"), /time is no time/],
        [(a: any) => (a.records[0].findings = null), /findings is no list/],
        [(a: any) => (a.records[0].findings[0].level = "fatal"), /findings\[0\]: level/],
        [(a: any) => (a.records[0].findings[1].message = {}), /findings\[1\]: message is no text/],
        [(a: any) => (a.records[0].images[0].evidence = "none"), /images\[0\]: evidence is no list/],
        [(a: any) => (a.records[0].counts.deny = -1), /deny is no count/],
        [(a: any) => (a.records[0].counts.deny = "0"), /deny is no count/],
        [(a: any) => (a.records[0].gates = [1]), /gates\[0\]/],
        [(a: any) => (a.records[0].lastAllowed = "3f786850"), /lastAllowed is no object/],
        [(a: any) => (a.records[0].lastAllowed = {revision: "3f786850"}), /time is missing/],
        [(a: any) => (a.silent = {}), /silent is no list/],
        [(a: any) => delete a.silent, /silent is missing/],
    ] as [(a: any) => void, RegExp][]) {
        const value = raw("allowed");
        change(value);
        const got = readAnswer(value);
        assert.ok("problem" in got, String(change));
        assert.equal(got.problem.kind, "unreadable");
        assert.match(got.problem.said ?? "", says);
    }
});

test("what a newer sidecar adds is no error", () => {
    const value = raw("allowed");
    value.records[0].more = {x: 1};
    value.records[0].images[0].evidence[0].more = 1;
    value.more = true;
    assert.ok("answer" in readAnswer(value));
});
