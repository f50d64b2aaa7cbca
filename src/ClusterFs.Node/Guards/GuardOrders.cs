using ClusterFs.Guard.Protocol;
using ClusterFs.Node.Agents;

namespace ClusterFs.Node.Guards;

/// <summary>An agent's orders in the guard's words.</summary>
internal static class GuardOrders
{
    public static SuperviseCommand ToCommand(string service, GuardOrder order) => order switch
    {
        UseGrant { Grant: var grant } => new SuperviseCommand
        {
            Grant = new GrantCommand
            {
                Service = service,
                Epoch = grant.Epoch,
                Tenure = grant.Tenure,
                Voters = { grant.Voters },
                TtlMs = (long)grant.Ttl.TotalMilliseconds,
                StopBudgetMs = (long)grant.StopBudget.TotalMilliseconds,
            },
        },
        SayPrepared => new SuperviseCommand { Prepared = new PreparedCommand { Service = service, Epoch = order.Epoch } },
        BeginDrain => new SuperviseCommand { Drain = new DrainCommand { Service = service, Epoch = order.Epoch } },
        StandByAgain => new SuperviseCommand { StandBy = new StandByCommand { Service = service } },
        CloseEpoch => new SuperviseCommand { Close = new CloseCommand { Service = service, Epoch = order.Epoch } },
        _ => throw new ArgumentOutOfRangeException(nameof(order), order, "unknown order"),
    };
}
