# fish completion for clusterfs, which itself knows what may come next
complete -c clusterfs -f -a '(clusterfs "[suggest:"(string length -- (commandline -cp))"]" (commandline -cp) 2>/dev/null)'
complete -c clusterfs -l config -r -F
