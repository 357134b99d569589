package principals

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// mostBytes is how many bytes a second a principal may send to a broker, and get from it: many times what an election of
// ten million voters needs, and not enough to take Kafka from the others.
const mostBytes = 256 << 20

// Grant gives the principals their passwords, rights and quotas, and takes away the rights that they no longer have. The client
// is a super user's. The folder is that of Logins.
func Grant(ctx context.Context, cl *kgo.Client, folder string) error {
	admin := kadm.NewClient(cl)
	if err := setPasswords(ctx, admin, folder, slices.Collect(maps.Keys(granted()))); err != nil {
		return err
	}
	var quotas []kadm.AlterClientQuotaEntry
	wanted := make(map[acl]bool)
	for p, rights := range granted() {
		user := string(p)
		quotas = append(quotas, kadm.AlterClientQuotaEntry{
			Entity: kadm.ClientQuotaEntity{{Type: "user", Name: &user}},
			Ops:    []kadm.AlterClientQuotaOp{{Key: "producer_byte_rate", Value: mostBytes}, {Key: "consumer_byte_rate", Value: mostBytes}},
		})
		for _, a := range rights.acls(p) {
			wanted[a] = true
		}
	}
	limited, err := admin.AlterClientQuotas(ctx, quotas)
	for _, l := range limited {
		if err == nil {
			err = l.Err
		}
	}
	if err != nil {
		return fmt.Errorf("give Kafka's principals their quotas: %w", err)
	}
	if err := createACLs(ctx, cl, wanted); err != nil {
		return fmt.Errorf("give Kafka's principals their rights: %w", err)
	}
	if err := deleteOtherACLs(ctx, cl, wanted); err != nil {
		return fmt.Errorf("take rights from Kafka's principals: %w", err)
	}
	return nil
}

// SetPasswords gives all principals the passwords of a folder of Logins, those that Kafka had from its start as well. The client is
// a super user's. Controller's is not Kafka's to keep: the broker reads it when it starts.
func SetPasswords(ctx context.Context, cl *kgo.Client, folder string) error {
	of := slices.DeleteFunc(all(), func(p Principal) bool { return p == Controller })
	return setPasswords(ctx, kadm.NewClient(cl), folder, of)
}

func setPasswords(ctx context.Context, admin *kadm.Client, folder string, of []Principal) error {
	var passwords []kadm.UpsertSCRAM
	for _, p := range of {
		password, err := p.password(folder, "make the logins anew")
		if err != nil {
			return err
		}
		passwords = append(passwords, kadm.UpsertSCRAM{User: string(p), Mechanism: kadm.ScramSha512, Iterations: 4096, Password: password})
	}
	altered, err := admin.AlterUserSCRAMs(ctx, nil, passwords)
	if err == nil {
		err = altered.Error()
	}
	if err != nil {
		return fmt.Errorf("give Kafka's principals their passwords: %w", err)
	}
	return nil
}

// acl is an entry of Kafka's access control list, which allows one operation.
type acl struct {
	principal Principal
	resource  kmsg.ACLResourceType
	name      string
	pattern   kmsg.ACLResourcePatternType
	operation kmsg.ACLOperation
}

func (r rights) acls(p Principal) []acl {
	var all []acl
	add := func(resource kmsg.ACLResourceType, pattern kmsg.ACLResourcePatternType, operation kmsg.ACLOperation, names ...string) {
		for _, name := range names {
			if name != "" {
				all = append(all, acl{p, resource, name, pattern, operation})
			}
		}
	}
	const literal, prefixed = kmsg.ACLResourcePatternTypeLiteral, kmsg.ACLResourcePatternTypePrefixed
	add(kmsg.ACLResourceTypeTopic, literal, kmsg.ACLOperationRead, r.reads...)
	add(kmsg.ACLResourceTypeTopic, literal, kmsg.ACLOperationWrite, r.writes...)
	add(kmsg.ACLResourceTypeTopic, literal, kmsg.ACLOperationDescribe, r.offsets...)
	add(kmsg.ACLResourceTypeGroup, prefixed, kmsg.ACLOperationRead, r.groups)
	for _, id := range r.txnIDs {
		pattern := literal
		if strings.HasSuffix(id, "/") {
			pattern = prefixed
		}
		add(kmsg.ACLResourceTypeTransactionalId, pattern, kmsg.ACLOperationWrite, id)
	}
	if r.sizes {
		add(kmsg.ACLResourceTypeCluster, literal, kmsg.ACLOperationDescribe, "kafka-cluster")
	}
	return all
}

// createACLs makes entries. Those that exist stay as they are.
func createACLs(ctx context.Context, cl *kgo.Client, wanted map[acl]bool) error {
	request := kmsg.NewPtrCreateACLsRequest()
	for a := range wanted {
		c := kmsg.NewCreateACLsRequestCreation()
		c.ResourceType, c.ResourceName, c.ResourcePatternType = a.resource, a.name, a.pattern
		c.Principal, c.Host, c.Operation, c.PermissionType = userPrefix+string(a.principal), anyHost, a.operation, kmsg.ACLPermissionTypeAllow
		request.Creations = append(request.Creations, c)
	}
	response, err := request.RequestWith(ctx, cl)
	if err != nil {
		return err
	}
	for _, result := range response.Results {
		if err := kerr.ErrorForCode(result.ErrorCode); err != nil {
			return err
		}
	}
	return nil
}

const (
	userPrefix = "User:" // of our principals in Kafka's lists
	anyHost    = "*"
)

// deleteOtherACLs removes the entries of our principals that are not wanted.
func deleteOtherACLs(ctx context.Context, cl *kgo.Client, wanted map[acl]bool) error {
	describe := kmsg.NewPtrDescribeACLsRequest()
	describe.ResourceType, describe.ResourcePatternType = kmsg.ACLResourceTypeAny, kmsg.ACLResourcePatternTypeAny
	describe.Operation, describe.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	described, err := describe.RequestWith(ctx, cl)
	if err == nil {
		err = kerr.ErrorForCode(described.ErrorCode)
	}
	if err != nil {
		return err
	}
	ours := granted()
	request := kmsg.NewPtrDeleteACLsRequest()
	for _, resource := range described.Resources {
		for _, entry := range resource.ACLs {
			p := Principal(strings.TrimPrefix(entry.Principal, userPrefix))
			allows := entry.PermissionType == kmsg.ACLPermissionTypeAllow && entry.Host == anyHost
			if _, known := ours[p]; !known || allows && wanted[acl{p, resource.ResourceType, resource.ResourceName, resource.ResourcePatternType, entry.Operation}] {
				continue
			}
			f := kmsg.NewDeleteACLsRequestFilter()
			f.ResourceType, f.ResourceName, f.ResourcePatternType = resource.ResourceType, &resource.ResourceName, resource.ResourcePatternType
			f.Principal, f.Host, f.Operation, f.PermissionType = &entry.Principal, &entry.Host, entry.Operation, entry.PermissionType
			request.Filters = append(request.Filters, f)
		}
	}
	if len(request.Filters) == 0 {
		return nil
	}
	response, err := request.RequestWith(ctx, cl)
	if err != nil {
		return err
	}
	for _, result := range response.Results {
		if err := kerr.ErrorForCode(result.ErrorCode); err != nil {
			return err
		}
	}
	return nil
}
