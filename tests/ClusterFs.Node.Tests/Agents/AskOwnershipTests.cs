using Akka.Actor;
using Akka.TestKit.Xunit2;
using ClusterFs.Node.Agents;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Tests.Agents;

/// <summary>The test is the region: a message that it does not answer was dropped while the shard moved.</summary>
public sealed class AskOwnershipTests : TestKit
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly NodeBoard _board = new();

    public AskOwnershipTests() => _board.Region = TestActor;

    [Fact]
    public async Task A_question_that_was_dropped_is_asked_again()
    {
        var asked = _board.AskOwnershipAsync<OwnershipView>(new GetOwnership("wiki"), Patience);
        var question = await ExpectMsgAsync<GetOwnership>(Patience / 2);

        Assert.Equal(question, await ExpectMsgAsync<GetOwnership>(Patience / 2));
        LastSender.Tell(View(owner: "n2"));

        Assert.Equal("n2", (await asked)?.Owner);
    }

    [Fact]
    public async Task An_answer_to_what_was_asked_first_still_counts()
    {
        var asked = _board.AskOwnershipAsync<OwnershipView>(new GetOwnership("wiki"), Patience);
        await ExpectMsgAsync<GetOwnership>(Patience / 2);
        var first = LastSender;
        await ExpectMsgAsync<GetOwnership>(Patience / 2);

        first.Tell(View(owner: "n1"));

        Assert.Equal("n1", (await asked)?.Owner);
    }

    [Fact]
    public async Task A_question_that_is_answered_is_not_asked_again()
    {
        var asked = _board.AskOwnershipAsync<OwnershipView>(new GetOwnership("wiki"), Patience);
        await ExpectMsgAsync<GetOwnership>(Patience / 2);
        LastSender.Tell(View(owner: "n2"));
        await asked;

        await ExpectNoMsgAsync(TimeSpan.FromSeconds(1.5));
    }

    [Fact]
    public async Task An_order_is_given_once()
    {
        var asked = _board.AskOwnershipAsync<RequestAnswered>(new MoveService("wiki", "n2"), TimeSpan.FromSeconds(3));

        Assert.Null(await asked);
        await ExpectMsgAsync<MoveService>();
        await ExpectNoMsgAsync(TimeSpan.Zero);
    }

    [Fact]
    public async Task Silence_is_no_answer()
    {
        Assert.Null(await _board.AskOwnershipAsync<OwnershipView>(new GetOwnership("wiki"), TimeSpan.FromSeconds(2)));
    }

    private static OwnershipView View(string owner) => new("wiki", OwnershipStage.Owned, owner, 1, 1, [], null, null, false, []);
}
