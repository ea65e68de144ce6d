// SPDX-License-Identifier: Apache-2.0

/// Makes batch files whose lines tell the scripted backend what to do and can be told apart in its log.
package struct BatchFile {
    /// The text of the file.
    package private(set) var text = ""
    /// How many lines it has.
    package private(set) var count = 0

    /// An empty file.
    package init() {}

    /// A file of `count` lines that all do the same steps.
    package init(lines count: Int, steps: [String] = ["ok"], latencyMilliseconds: Int = 0, padding: Int = 0) {
        for _ in 0..<count { add(steps: steps, latencyMilliseconds: latencyMilliseconds, padding: padding) }
    }

    /// Adds a line that does `steps`, one per attempt, the last one for ever.
    ///
    /// Ids and bodies hold what a careless program loses: non-ASCII text, escapes, big and odd numbers, key order.
    package mutating func add(steps: [String] = ["ok"], latencyMilliseconds: Int = 0, padding: Int = 0) {
        let nonce = "n-\(count)"
        let list = steps.map { "\"\($0)\"" }.joined(separator: ",")
        let script = #"{"nonce":"\#(nonce)","steps":[\#(list)],"latency_ms":\#(latencyMilliseconds)}"#
        let odd = #""seed":12345678901234567890,"temperature":1e-7,"stop":["\u00e9\/","\n",-0.0]"#
        let filling = String(repeating: "x", count: padding)
        let message = #"{"role":"user","content":"Frage \#(count): 你好 😀 \"quoted\" \#(filling)"}"#
        let body = #"{"zeta":1,"model":"scripted","messages":[\#(message)], \#(odd),"script":\#(script),"alpha":2}"#
        let head = #""custom_id":"id-\#(count)-ä\u00e9","method":"POST","url":"/v1/chat/completions""#
        add(line: "{\(head),\"body\":\(body)}")
    }

    /// Adds any line.
    package mutating func add(line: String) {
        text += line + "\n"
        count += 1
    }

    /// The file's bytes.
    package var bytes: [UInt8] { Array(text.utf8) }
}
