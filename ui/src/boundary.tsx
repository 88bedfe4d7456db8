import * as React from "react";

// Boundary keeps an error of this extension from taking Argo CD's page down,
// which has no such boundary around status panels and Application tabs.
export class Boundary extends React.Component<{children: React.ReactNode}, {failed: boolean}> {
    state = {failed: false};

    static getDerivedStateFromError() {
        return {failed: true};
    }

    render() {
        if (!this.state.failed) {
            return this.props.children;
        }
        return (
            <div className="assay assay-tab" role="alert">
                assay&apos;s extension failed. What the verdict is, is not known here. Reload the page; if it stays, please report what the browser&apos;s console says.
            </div>
        );
    }
}
