// Keeps ONNX Runtime from telling its maker what it runs: from 1.29 on its official builds for Linux and macOS send names and hashes of
// models, unless this variable is set before the library begins, and leave files in the user's cache and TMPDIR. Whoever imports the
// library, or starts a thread that does, imports this first: a thread has but a copy of the variables.

// What the user has said of it holds.
process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
