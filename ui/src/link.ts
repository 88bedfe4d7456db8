// Link is where a person may be sent: the address, and the host, which is shown
// beside it.
export interface Link {
    href: string;
    host: string;
}

// linkTo is a link to an address of a record, or nothing when it is not plain
// http or https: another scheme may run a script, and a name before the host
// looks like the host.
export function linkTo(text: string): Link | undefined {
    // A browser drops tabs and line feeds from addresses, and turns a backslash into a slash.
    if (!/^https?:\/\/[^\s\\/?#][^\s\\]*$/i.test(text)) {
        return undefined;
    }
    let url: URL;
    try {
        url = new URL(text);
    } catch {
        return undefined;
    }
    if ((url.protocol !== "https:" && url.protocol !== "http:") || url.username !== "" || url.password !== "" || url.hostname === "") {
        return undefined;
    }
    return {href: url.href, host: url.host};
}

// commitLink is the page of a commit, where it is known how the host names it;
// else the repository.
export function commitLink(repository: string, commit: string): Link | undefined {
    const link = linkTo(repository);
    if (!link || !/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(commit)) {
        return link;
    }
    const base = link.href.replace(/\/$/, "").replace(/\.git$/, "");
    switch (link.host) {
        case "github.com":
            return {...link, href: `${base}/commit/${commit}`};
        case "gitlab.com":
            return {...link, href: `${base}/-/commit/${commit}`};
    }
    return link;
}
