// Argo CD hands its React to extensions so.
module.exports = window.React;
