// The last verdict of an Application, as assay's store answers it
// (docs/schema/audit.json). Whatever has another form is refused: half a record
// could read as a better verdict than it is.
import type {Asked} from "./ask";
import {problem} from "./problem";
import {absent, bool, instant, list, number, object, oneOf, text, type Fields} from "./read";

export type Outcome = "allowed" | "denied" | "unanswered";
export type Level = "deny" | "undetermined" | "warn" | "info";

export interface Answer {
    // records are the last verdicts of all sources of the Application, the worst
    // first; there is one at least.
    records: [Record, ...Record[]];
    // damaged is how many records the store could not read.
    damaged: number;
    // silent are the replicas of the store that gave no answer, and why.
    silent: {address: string; error: string}[];
}

export interface Record {
    time: Date;
    application: string;
    project: string;
    namespace: string;
    repository: string;
    revision: string;
    path: string;
    outcome: Outcome;
    firstLine: string;
    banner: string;
    // lastAllowed is what had passed before a denial, by the gate of then.
    lastAllowed: Passed | undefined;
    report: string;
    version: string;
    gates: string[];
    gateDigest: string;
    sealed: string;
    counts: Counts;
    images: Image[];
    findings: Finding[];
    waivers: Waiver[];
    injected: Injection[];
    omitted: number;
}

export interface Passed {
    revision: string;
    time: Date;
}

export interface Counts {
    objects: number;
    images: number;
    deny: number;
    undetermined: number;
    warn: number;
    audited: number;
}

export interface Image {
    written: string;
    chart: boolean;
    digest: string;
    digestFrom: string;
    registryDigest: string;
    platforms: string[];
    evidence: Evidence[];
}

export interface Evidence {
    kind: string;
    gate: string;
    policy: string;
    authority: string;
    format: string;
    signer: string;
    issuer: string;
    trustRoot: string;
    predicateType: string;
    sourceRepository: string;
    sourceRevision: string;
    sourceRef: string;
    builder: string;
    buildLevel: number;
    workflow: string;
    runURI: string;
    signed: Date | undefined;
}

export interface Finding {
    rule: string;
    level: Level;
    gate: string;
    object: string;
    field: string;
    image: string;
    message: string;
    waiver: string;
    audited: boolean;
}

export interface Waiver {
    id: string;
    kind: string;
    rule: string;
    subject: string;
    owner: string;
    approver: string;
    reason: string;
    // until is the last day, in UTC; empty when nothing ends it.
    until: string;
}

export interface Injection {
    object: string;
    change: string;
    rule: string;
    count: number;
}

const schema = "assay.dev/audit/v1";

// readAnswer reads what the store answers.
export function readAnswer(value: unknown): Asked {
    try {
        const answer = object(value, "the answer");
        const silent = list(answer, "silent", (each) => ({address: text(each, "address"), error: text(each, "error")}));
        const [first, ...others] = list(answer, "records", (each) => recordOf(each));
        if (!first) {
            throw new Error("records is empty");
        }
        return {answer: {records: [first, ...others], damaged: number(answer, "damaged", absent), silent}};
    } catch (error) {
        return {problem: problem("unreadable", error instanceof Error ? error.message : "")};
    }
}

function recordOf(from: Fields): Record {
    if (from["schema"] !== schema) {
        throw new Error(`the record is of ${JSON.stringify(from["schema"])}, and this extension reads ${schema}`);
    }
    const counts = object(from["counts"], "counts");
    return {
        time: instant(from, "time"),
        application: text(from, "application"),
        project: text(from, "project", absent),
        namespace: text(from, "namespace", absent),
        repository: text(from, "repository", absent),
        revision: text(from, "revision", absent),
        path: text(from, "repositoryPath", absent) || text(from, "path"),
        outcome: oneOf(from, "outcome", {allowed: "allowed", denied: "denied", undetermined: "unanswered"}),
        firstLine: text(from, "firstLine"),
        banner: text(from, "banner", absent),
        lastAllowed: from["lastAllowed"] === undefined ? undefined : passedOf(object(from["lastAllowed"], "lastAllowed")),
        report: text(from, "report"),
        version: text(from, "version", absent),
        gates: list(from, "gates", (_, gate) => gate),
        gateDigest: text(from, "gateDigest", absent),
        sealed: text(from, "sealed", absent),
        counts: {
            objects: number(counts, "objects"),
            images: number(counts, "images"),
            deny: number(counts, "deny"),
            undetermined: number(counts, "undetermined"),
            warn: number(counts, "warn"),
            audited: number(counts, "audited"),
        },
        images: list(from, "images", imageOf),
        findings: list(from, "findings", findingOf),
        waivers: list(from, "waivers", waiverOf),
        injected: list(from, "injected", (each) => ({
            object: nameOf(each), change: text(each, "change"), rule: text(each, "rule", absent), count: number(each, "count"),
        })),
        omitted: number(from, "omitted", absent),
    };
}

function passedOf(from: Fields): Passed {
    return {revision: text(from, "revision"), time: instant(from, "time")};
}

function imageOf(from: Fields): Image {
    return {
        written: text(from, "written"),
        chart: bool(from, "chart"),
        digest: text(from, "digest", absent),
        digestFrom: text(from, "digestFrom", absent),
        registryDigest: text(from, "registryDigest", absent),
        platforms: list(from, "platforms", (_, platform) => platform, absent),
        evidence: list(from, "evidence", evidenceOf),
    };
}

function evidenceOf(from: Fields): Evidence {
    return {
        kind: text(from, "kind"),
        gate: text(from, "gate"),
        policy: text(from, "policy"),
        authority: text(from, "authority", absent),
        format: text(from, "format", absent),
        signer: text(from, "signer", absent),
        issuer: text(from, "issuer", absent),
        trustRoot: text(from, "trustRoot", absent),
        predicateType: text(from, "predicateType", absent),
        sourceRepository: text(from, "sourceRepository", absent),
        sourceRevision: text(from, "sourceRevision", absent),
        sourceRef: text(from, "sourceRef", absent),
        builder: text(from, "builder", absent),
        buildLevel: number(from, "buildLevel", absent),
        workflow: text(from, "workflow", absent),
        runURI: text(from, "runURI", absent),
        signed: from["signed"] === undefined ? undefined : instant(from, "signed"),
    };
}

function findingOf(from: Fields): Finding {
    return {
        rule: text(from, "rule"),
        level: oneOf(from, "level", {deny: "deny", undetermined: "undetermined", warn: "warn", info: "info"}),
        gate: text(from, "gate", absent),
        object: nameOf(from),
        field: text(from, "field", absent),
        image: text(from, "image", absent),
        message: text(from, "message"),
        waiver: text(from, "waiver", absent),
        audited: bool(from, "audited"),
    };
}

function waiverOf(from: Fields): Waiver {
    return {
        id: text(from, "id"),
        kind: text(from, "kind"),
        rule: text(from, "rule"),
        subject: text(from, "subject"),
        owner: text(from, "owner", absent),
        approver: text(from, "approver", absent),
        reason: text(from, "reason"),
        until: from["until"] === undefined ? "" : instant(from, "until").toISOString().slice(0, 10),
    };
}

// nameOf is "kind/namespace/name", as in every report of assay.
function nameOf(from: Fields): string {
    if (from["object"] === undefined) {
        return "";
    }
    const id = object(from["object"], "object");
    const namespace = text(id, "namespace", absent);
    return `${text(id, "kind").toLowerCase()}/${namespace === "" ? "" : `${namespace}/`}${text(id, "name")}`;
}
