import {useEffect, useState} from "react";
import type {Subject} from "./application";
import {ask, type Asked} from "./ask";

// State is what is known of an Application's verdict now. Asked is nothing while
// the first answer is on its way.
export interface State {
    asked: Asked | undefined;
    asking: boolean;
    now: Date;
    again: () => void;
}

// freshFor is how long what the panel was told is good for the tab, in
// milliseconds.
const freshFor = 10_000;

// shownNow are the panels and tabs on the page, which are told when one of them asks
// again: two of them never show different answers.
const shownNow = new Set<(of: string) => void>();

// remembered has the last answers, so that panel and tab ask once.
const remembered = new Map<string, {at: number; asked: Promise<Asked>}>();

function once(subject: Subject): Promise<Asked> {
    const key = keyOf(subject);
    const last = remembered.get(key);
    if (last && Date.now() - last.at < freshFor) {
        return last.asked;
    }
    const asked = ask(subject);
    if (remembered.size > 50) {
        remembered.clear();
    }
    remembered.set(key, {at: Date.now(), asked});
    return asked;
}

function keyOf(subject: Subject): string {
    return [subject.namespace, subject.name, subject.project, subject.seen].join("\n");
}

// useVerdict asks when an Application is first shown, whenever Argo CD has
// looked at it again, and when somebody wants it.
export function useVerdict(subject: Subject): State {
    const of = [subject.namespace, subject.name, subject.project].join("\n");
    const [turn, setTurn] = useState(0);
    const [now, setNow] = useState(() => new Date());
    const [known, setKnown] = useState<{of: string; turn: number; seen: string; asked: Asked} | undefined>(undefined);
    useEffect(() => {
        let gone = false;
        void once(subject).then((asked) => {
            if (!gone) {
                setNow(new Date());
                setKnown({of, turn, seen: subject.seen, asked});
            }
        });
        return () => {
            gone = true;
        };
    }, [of, subject.seen, turn]);
    useEffect(() => {
        const told = (whose: string) => {
            if (whose === of) {
                setTurn((last) => last + 1);
            }
        };
        shownNow.add(told);
        return () => {
            shownNow.delete(told);
        };
    }, [of]);
    useEffect(() => {
        const timer = setInterval(() => setNow(new Date()), 30_000);
        return () => clearInterval(timer);
    }, []);
    const again = () => {
        remembered.delete(keyOf(subject));
        shownNow.forEach((told) => told(of));
    };
    // What is known of one Application is never shown as another's.
    const mine = known?.of === of ? known : undefined;
    return {asked: mine?.asked, asking: !mine || mine.turn !== turn || mine.seen !== subject.seen, now, again};
}
