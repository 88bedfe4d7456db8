import * as React from "react";
import {isOther, subjectOf, type Application, type Subject} from "./application";
import {Boundary} from "./boundary";
import {Mark} from "./parts";
import type {Record} from "./record";
import {Tab} from "./tab";
import {count} from "./text";
import {age} from "./time";
import {useVerdict, type State} from "./verdict";

// Panel is the part of the status bar: the outcome and its age. It opens the
// whole verdict.
export function Panel({application, openFlyout}: {application: Application; openFlyout: () => void}) {
    return (
        <Boundary>
            <Part application={application} open={openFlyout} />
        </Boundary>
    );
}

// Flyout is the whole verdict in Argo CD's sliding panel.
export function Flyout({application}: {application: Application}) {
    return <Tab application={application} />;
}

function Part({application, open}: {application: Application; open: () => void}) {
    const subject = subjectOf(application);
    return <Summary subject={subject} state={useVerdict(subject)} open={open} />;
}

// Summary is what the panel shows of a state.
export function Summary({subject, state, open}: {subject: Subject; state: State; open: () => void}) {
    const {asked, now} = state;
    const records = asked && "answer" in asked ? asked.answer.records : undefined;
    const record = records?.[0];
    return (
        <div className="application-status-panel__item assay assay-panel" data-assay="panel">
            <label>ASSAY</label>
            <button onClick={open} title="Show the whole verdict">
                {asked ? <Mark of={record ? record.outcome : "unknown"} /> : "…"}
            </button>
            {records && <p className="assay-sum">{tally(records)}</p>}
            {record && <p className="assay-sum assay-quiet">Judged {age(record.time, now)}</p>}
            {records?.some((each) => isOther(subject, each)) && <p className="assay-sum assay-unanswered">Of another revision</p>}
            {records?.some((each) => each.banner) && <p className="assay-sum assay-denied">Break glass</p>}
            {asked && "problem" in asked && <p className="assay-sum assay-quiet">{asked.problem.title}</p>}
        </div>
    );
}

// tally is what matters most, in a few words.
function tally(records: Record[]): string {
    const sum = (of: (record: Record) => number) => records.reduce((all, record) => all + of(record), 0);
    const [denied, unanswered, warnings, waivers, images] = [sum((r) => r.counts.deny), sum((r) => r.counts.undetermined), sum((r) => r.counts.warn), sum((r) => r.waivers.length), sum((r) => r.counts.images)];
    const parts = [
        denied > 0 && `${denied} denied`,
        unanswered > 0 && `${unanswered} without answer`,
        warnings > 0 && count(warnings, "warning"),
        waivers > 0 && count(waivers, "waiver"),
        count(images, "image"),
        records.length > 1 && count(records.length, "source"),
    ];
    return parts.filter((part) => part !== false).join(", ");
}
