import * as React from "react";
import {isOther, subjectOf, type Application, type Subject} from "./application";
import {Boundary} from "./boundary";
import {Findings} from "./findings";
import {Images} from "./images";
import {Injected} from "./injected";
import {Address, Code, Digest, Facts, Mark, Text} from "./parts";
import {commitLink} from "./link";
import type {Problem} from "./problem";
import type {Answer, Passed, Record} from "./record";
import {count, shown} from "./text";
import {age, utc} from "./time";
import {useVerdict, type State} from "./verdict";
import {Waivers} from "./waivers";

// Tab is the tab of an Application: its last verdict, in full.
export function Tab({application, resource}: {application: Application; resource?: unknown}) {
    return (
        <Boundary>
            <Whole application={application} resource={resource} />
        </Boundary>
    );
}

// Whole is inside of the boundary, as an Application may lack what is read of it.
function Whole({application, resource}: {application: Application; resource?: unknown}) {
    const subject = subjectOf(application, resource);
    const state = useVerdict(subject);
    return <View subject={subject} state={state} />;
}

// View is what the tab shows of a state.
export function View({subject, state}: {subject: Subject; state: State}) {
    const {asked, asking, now, again} = state;
    const known = asked && "answer" in asked ? asked.answer : undefined;
    return (
        <div className="assay assay-tab" aria-busy={asking}>
            <div className="assay-head">
                {asked ? <Mark of={known ? known.records[0].outcome : "unknown"} /> : <span className="assay-quiet">Asking assay's store…</span>}
                <button onClick={again} disabled={asking}>
                    {asking ? "Asking…" : "Ask again"}
                </button>
            </div>
            {asked && "problem" in asked && <Unknown of={asked.problem} />}
            {known && <Verdict answer={known} subject={subject} now={now} />}
        </div>
    );
}

// Unknown says why there is no record, and what to do.
export function Unknown({of}: {of: Problem}) {
    return (
        <div className="assay-box" role="status" data-problem={of.kind}>
            <h4>{of.title}</h4>
            <p>{of.text}</p>
            <p>{of.todo}</p>
            {of.said && (
                <p className="assay-quiet">
                    The answer was: <Code>{of.said}</Code>
                </p>
            )}
        </div>
    );
}

const meanings = {
    allowed: "What was rendered may be synced.",
    denied: "Argo CD gets no manifests. What runs stays as it is.",
    unanswered: "Something could not be looked at, so nothing is known to be wrong and nothing is let pass. Argo CD gets no manifests; what runs stays as it is. Asking again may be enough.",
};

// Verdict is the last one of each source, the worst first.
function Verdict({answer, subject, now}: {answer: Answer; subject: Subject; now: Date}) {
    const {records} = answer;
    return (
        <>
            <Notices answer={answer} subject={subject} />
            {records.length === 1 ? (
                <Source record={records[0]} now={now} />
            ) : (
                records.map((record, index) => (
                    <details className="assay-source" key={index} open={index === 0}>
                        <summary>
                            <Mark of={record.outcome} /> <Code>{record.path || "."}</Code> <span className="assay-quiet">source {index + 1} of {records.length}, the worst first</span>
                        </summary>
                        <Source record={record} now={now} />
                    </details>
                ))
            )}
        </>
    );
}

function Source({record, now}: {record: Record; now: Date}) {
    return (
        <>
            {record.banner && (
                <div className="assay-box is-deny">
                    <Text>{record.banner}</Text>
                </div>
            )}
            <p>
                <Text>{record.firstLine}</Text>
            </p>
            <p className="assay-quiet">{meanings[record.outcome]}</p>
            <Facts
                of={[
                    ["Judged", `${age(record.time, now)}, at ${utc(record.time)}`],
                    ["Revision", record.revision ? <Revision repository={record.repository} revision={record.revision} /> : "not known"],
                    ["Passed before", record.outcome === "denied" && record.lastAllowed && <Before record={record} last={record.lastAllowed} />],
                    ["Repository", record.repository && <Address text={record.repository} />],
                    ["Path", <Code>{record.path || "."}</Code>],
                    ["Gates", record.gates.length > 0 ? <Code>{record.gates.join(", ")}</Code> : "none covers this Application"],
                    ["Gate digest", record.gateDigest ? <Digest>{record.gateDigest}</Digest> : "not known"],
                    ["Manifests", record.sealed ? <Digest>{record.sealed}</Digest> : "the run did not come so far"],
                    ["Report", <Code>{record.report}</Code>],
                ]}
            />
            <Findings of={record} />
            <Images of={record} />
            <Injected of={record} />
            <Waivers of={record} now={now} />
        </>
    );
}

function Revision({repository, revision}: {repository: string; revision: string}) {
    const link = commitLink(repository, revision);
    return (
        <span title={shown(revision)}>
            <Address text={revision} link={link} />
        </span>
    );
}

// Before is the last other revision that passed, which may not pass now.
function Before({record, last}: {record: Record; last: Passed}) {
    return (
        <>
            <Revision repository={record.repository} revision={last.revision} />, judged at {utc(last.time)}, as far as the sidecar knew. Whether it passes now:{" "}
            <Code>{`assay last-good ${record.application.replace("_", "/")}`}</Code>
        </>
    );
}

// Notices are what keeps the record from being the whole truth.
function Notices({answer: {records, damaged, silent}, subject}: {answer: Answer; subject: Subject}) {
    const notices: React.ReactNode[] = [];
    if (records.some((record) => isOther(subject, record))) {
        notices.push(
            <>
                This verdict is about another revision than Argo CD compares now (<Digest>{subject.revisions.join(", ")}</Digest>). What assay says of that one is not in its store: Refresh with Hard has it judged.
            </>,
        );
    }
    const audited = records.reduce((sum, record) => sum + record.counts.audited, 0);
    if (audited > 0) {
        notices.push(<>The gate only warns: {count(audited, "finding")} would have stopped this Application, had its deny switch been on.</>);
    }
    if (damaged > 0) {
        notices.push(<>The store could not read {count(damaged, "record")} of this Application. They are written anew at the next verdict.</>);
    }
    for (const {address, error} of silent) {
        notices.push(
            <>
                One replica of the store gave no answer, and may have a newer verdict: <Code>{address}</Code> (<Text>{error}</Text>).
            </>,
        );
    }
    const omitted = records.reduce((sum, record) => sum + record.omitted, 0);
    if (omitted > 0) {
        notices.push(<>{count(omitted, "entry", "entries")} did not fit into the record. All of it stands in the log of the sidecar, in the report that is named below.</>);
    }
    return (
        <>
            {notices.map((notice, index) => (
                <div className="assay-box is-warn" key={index}>
                    {notice}
                </div>
            ))}
        </>
    );
}
