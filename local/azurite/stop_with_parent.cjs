// Loaded by `node --require` where a Python process owns this Azurite: when the owner is gone, even by SIGKILL, the
// pipe on standard input ends, and Azurite saves its data and stops as on SIGTERM.
'use strict';
process.stdin.on('end', () => process.kill(process.pid, 'SIGTERM'));
process.stdin.resume();
process.stdin.unref(); // the pipe alone keeps nothing alive
