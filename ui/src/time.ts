import {count} from "./text";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

// age says how long ago a time was. A record of the future means that two
// clocks differ, and says so.
export function age(then: Date, now: Date): string {
    const passed = now.getTime() - then.getTime();
    if (passed < -minute) {
        return "in the future, by this browser's clock";
    }
    if (passed < minute) {
        return "less than a minute ago";
    }
    if (passed < hour) {
        return `${count(Math.floor(passed / minute), "minute")} ago`;
    }
    if (passed < 2 * day) {
        return `${count(Math.floor(passed / hour), "hour")} ago`;
    }
    return `${count(Math.floor(passed / day), "day")} ago`;
}

// daysLeft is how many days a waiver holds after today; its last day, in UTC,
// is 0, and one that has passed is negative.
export function daysLeft(last: string, now: Date): number | undefined {
    const end = /^(\d{4})-(\d{2})-(\d{2})/.exec(last);
    if (!end) {
        return undefined;
    }
    const on = Date.UTC(Number(end[1]), Number(end[2]) - 1, Number(end[3]));
    const today = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate());
    return Math.round((on - today) / day);
}

// utc is a time as it is written on the page.
export function utc(time: Date): string {
    return `${time.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
