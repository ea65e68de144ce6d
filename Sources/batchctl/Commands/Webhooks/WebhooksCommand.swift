// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser

/// `batchctl webhooks`
struct WebhooksCommand: AsyncParsableCommand {
    /// Name and help.
    static let configuration = CommandConfiguration(
        commandName: "webhooks", abstract: "Have events sent to your own servers, and see what became of them.",
        discussion: """
            An endpoint (we_…) is an address that events are sent to, signed as Standard Webhooks say. A delivery \
            (whd_…) is one event towards one address, tried again until it is accepted or given up.
            """,
        subcommands: [
            WebhooksCreateCommand.self, WebhooksListCommand.self, WebhooksShowCommand.self, WebhooksUpdateCommand.self,
            WebhooksEnableCommand.self, WebhooksDisableCommand.self, WebhooksRotateCommand.self,
            WebhooksDeleteCommand.self, WebhooksTestCommand.self, WebhooksDeliveriesCommand.self,
            WebhooksReplayCommand.self,
        ])
}
