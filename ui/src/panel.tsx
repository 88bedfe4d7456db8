import * as React from "react";
import {subjectOf, type Application, type Subject} from "./application";
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
    const record = asked && "answer" in asked ? asked.answer.record : undefined;
    return (
        <div className="application-status-panel__item assay assay-panel" data-assay="panel">
            <label>ASSAY</label>
            <button onClick={open} title="Show the whole verdict">
                {asked ? <Mark of={record ? record.outcome : "unknown"} /> : "…"}
            </button>
            {record && <p className="assay-sum">{tally(record)}</p>}
            {record && <p className="assay-sum assay-quiet">Judged {age(record.time, now)}</p>}
            {record && other(subject, record) && <p className="assay-sum assay-unanswered">Of another revision</p>}
            {record?.banner && <p className="assay-sum assay-denied">Break glass</p>}
            {asked && "problem" in asked && <p className="assay-sum assay-quiet">{asked.problem.title}</p>}
        </div>
    );
}

function other(subject: Subject, record: Record): boolean {
    return record.revision !== "" && subject.revisions.length > 0 && !subject.revisions.includes(record.revision);
}

// tally is what matters most, in a few words.
function tally({counts, waivers}: Record): string {
    const parts = [
        counts.deny > 0 && `${counts.deny} denied`,
        counts.undetermined > 0 && `${counts.undetermined} without answer`,
        counts.warn > 0 && count(counts.warn, "warning"),
        waivers.length > 0 && count(waivers.length, "waiver"),
        count(counts.images, "image"),
    ];
    return parts.filter((part) => part !== false).join(", ");
}
