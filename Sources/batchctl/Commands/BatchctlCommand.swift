// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

/// The command line as a whole.
struct BatchctlCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "batchctl",
        abstract: "Submit batches of inference requests, watch them, and fetch their results.",
        discussion: """
            A batch is a file of JSON lines, one request each. The usual way:

              batchctl validate input.jsonl
              batchctl submit input.jsonl --watch -o results.jsonl

            Without a Shardline server, against an inference server:

              batchctl run -i input.jsonl -o results.jsonl --base-url http://127.0.0.1:8000

            Results and identifiers go to standard output; progress and talk go to standard error.

            ENVIRONMENT
              SHARDLINE_URL      the server (if unset: OPENAI_BASE_URL)
              SHARDLINE_API_KEY  the key to show it (if unset: OPENAI_API_KEY)
              SHARDLINE_WEBHOOK_SECRET
                                 what events to submit --webhook are signed with
              NO_COLOR           if set, no colours
              TERM               if dumb, no colours and no painting over lines

            EXIT STATUS
            \(ExitStatus.table)
            """,
        version: Program.version,
        subcommands: [
            RunCommand.self, ChatLoadCommand.self, SubmitCommand.self, StatusCommand.self, ListCommand.self,
            PauseCommand.self,
            ResumeCommand.self, CancelCommand.self, ResultsCommand.self, RetryCommand.self, ValidateCommand.self,
            ConvertCommand.self, FilesCommand.self, EventsCommand.self, WebhooksCommand.self, ModelsCommand.self,
            CompletionsCommand.self,
        ])

    /// The same group as every command's, so that its options may also stand before the command.
    @OptionGroup var global: GlobalOptions
}
